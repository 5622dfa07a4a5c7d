/**
 * The sample data as a story: who there is, which albums, who put in which picture, who said what.
 * Only data; seed.mjs brings it to a server.
 */

/** `login` is the simulated user of the dev server, `name` the nickname in the album. */
export const USERS = [
  { login: 'alice', name: '小满' },
  { login: 'bob', name: '阿树' },
  { login: 'carol', name: '青禾' },
]

/** Photos as [who, picture], oldest first. */
export const ALBUMS = [
  {
    id: 'seed-album-home',
    name: '平常的日子',
    owner: 'alice',
    members: [],
    cover: 'tea',
    photos: [
      ['alice', 'cherry'],
      ['alice', 'bamboo'],
      ['alice', 'rain-window'],
      ['alice', 'lotus'],
      ['alice', 'poppies'],
      ['alice', 'lanterns'],
      ['alice', 'persimmons'],
      ['alice', 'cat-window'],
      ['alice', 'tea'],
    ],
  },
  {
    id: 'seed-album-sea',
    name: '海边的七天',
    owner: 'bob',
    members: ['alice'],
    cover: 'sunset-sea',
    photos: [
      ['bob', 'shore'],
      ['bob', 'city-night'],
      ['bob', 'fireworks'],
      ['alice', 'moon-lake'],
      ['bob', 'lighthouse'],
      ['bob', 'sunset-sea'],
    ],
  },
  {
    id: 'seed-album-roads',
    name: '往北去的路上',
    owner: 'alice',
    members: ['bob', 'carol'],
    cover: 'mirror-peak',
    photos: [
      ['alice', 'terraces'],
      ['alice', 'forest-light'],
      ['bob', 'maple'],
      ['alice', 'lavender'],
      ['bob', 'dunes'],
      ['alice', 'milky-way'],
      ['carol', 'golden-pines'],
      ['carol', 'mist-mountains'],
      ['bob', 'snow-village'],
      ['alice', 'aurora'],
      ['alice', 'balloons'],
      ['alice', 'mirror-peak'],
    ],
  },
]

/** [who, album, pictures] */
export const LIKES = [
  ['bob', 'seed-album-roads', ['mirror-peak', 'aurora', 'balloons', 'milky-way', 'lavender']],
  ['carol', 'seed-album-roads', ['mirror-peak', 'aurora', 'forest-light']],
  ['alice', 'seed-album-roads', ['mist-mountains', 'snow-village', 'golden-pines', 'aurora']],
  ['alice', 'seed-album-sea', ['sunset-sea', 'lighthouse', 'fireworks']],
  ['bob', 'seed-album-sea', ['moon-lake']],
  ['alice', 'seed-album-home', ['cat-window']],
]

/** [who, picture, words] */
export const COMMENTS = [
  ['bob', 'mirror-peak', '天刚亮的那十分钟，值了。'],
  ['carol', 'mirror-peak', '水面一点风都没有，像把山折了一下。'],
  ['alice', 'mirror-peak', '手都冻僵了，还是舍不得走。'],
  ['carol', 'aurora', '这辈子第一次看到极光，谢谢你们叫醒我。'],
  ['alice', 'aurora', '相机没拍出来的，比拍出来的还多。'],
  ['bob', 'balloons', '我恐高，但我不后悔。'],
  ['alice', 'mist-mountains', '这张要洗出来挂在客厅。'],
  ['bob', 'milky-way', '帐篷里那盏灯是我忘了关。'],
  ['alice', 'sunset-sea', '船家说，每天都这样，只是没人等。'],
  ['bob', 'sunset-sea', '明年还来。'],
  ['alice', 'lighthouse', '灯转过来的时候，海面亮了一下。'],
]
