/**
 * Fills a dev server with the album's sample data, as the simulated users alice, bob and carol:
 * three albums, 27 painted pictures, likes and comments. It calls the same cloud functions as the
 * app, with ids of its own, and adds only what is missing: a second run changes nothing. Run:
 * `node seed/seed.mjs [--endpoint http://127.0.0.1:9527] [--env album]`
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cloud } from '@yunkai/cloud'
import { PICTURE_DIR, PICTURES, paintAll } from './pictures.mjs'
import { ALBUMS, COMMENTS, LIKES, USERS } from './story.mjs'

function option(name, fallback) {
  const index = process.argv.indexOf(`--${name}`)
  return index > 0 && process.argv[index + 1] ? process.argv[index + 1] : fallback
}

const endpoint = option('endpoint', 'http://127.0.0.1:9527')
const env = option('env', 'album')
const added = { albums: 0, members: 0, photos: 0, likes: 0, comments: 0 }

/** One signed-in person: `call` runs a function and gives its data, or throws what it refused. */
async function enter({ login, name }) {
  const client = new cloud.Cloud({ env, endpoint, login: async () => `dev-${login}` })
  await client.init()
  const call = async (func, data) => {
    const { result } = await client.callFunction({ name: func, data })
    if (!result?.ok) throw new Error(`${login}: ${func}: ${result?.message ?? '没有回答'}`)
    return result.data
  }
  let profile = await call('login', { hint: name })
  if (profile.name !== name) profile = await call('login', { name })
  return { client, call, profile }
}

/** All photos of an album, by id. */
async function photosOf(person, albumId) {
  const found = new Map()
  for (;;) {
    const page = await person.call('photos', {
      action: 'list',
      albumId,
      skip: found.size,
      limit: 60,
    })
    for (const photo of page.photos) found.set(photo.id, photo)
    if (!page.more || page.photos.length === 0) return found
  }
}

const photoId = (name) => `seed-photo-${name}`

async function seedPhoto(person, albumId, name) {
  const picture = PICTURES.find((known) => known.name === name)
  const bytes = readFileSync(join(PICTURE_DIR, `${name}.jpg`))
  const id = photoId(name)
  const { fileID } = await person.client.uploadFile({
    cloudPath: `photos/${person.profile.folder}/${albumId}/${id}.jpg`,
    filePath: bytes,
  })
  const [width, height] = picture.size
  await person.call('photos', {
    action: 'add',
    albumId,
    photoId: id,
    fileID,
    width,
    height,
    size: bytes.length,
  })
  added.photos += 1
}

/** Who is not a member yet comes in as everybody does: by an invitation of the owner. */
async function seedMembers(people, album) {
  const owner = people.get(album.owner)
  for (const login of album.members) {
    const person = people.get(login)
    const mine = await person.call('albums', { action: 'list' })
    if (mine.some((known) => known.id === album.id)) continue
    const { scene } = await owner.call('shareAlbum', { albumId: album.id })
    await person.call('landing', { action: 'join', scene })
    added.members += 1
  }
}

async function seedAlbum(people, album) {
  const owner = people.get(album.owner)
  const mine = await owner.call('albums', { action: 'list' })
  if (!mine.some((known) => known.id === album.id)) {
    await owner.call('albums', { action: 'create', id: album.id, name: album.name })
    added.albums += 1
  }
  await seedMembers(people, album)
  const known = await photosOf(owner, album.id)
  const missing = album.photos.filter(([, name]) => !known.has(photoId(name)))
  // One after another: the album shows photos in the order of their arrival.
  for (const [login, name] of missing) await seedPhoto(people.get(login), album.id, name)
  if (missing.some(([, name]) => name === album.cover)) {
    await owner.call('albums', {
      action: 'cover',
      albumId: album.id,
      photoId: photoId(album.cover),
    })
  }
}

async function seedLikes(people) {
  for (const [login, album, names] of LIKES) {
    const person = people.get(login)
    const known = await photosOf(person, album)
    for (const name of names) {
      if (known.get(photoId(name))?.liked !== false) continue
      await person.call('likes', { photoId: photoId(name), liked: true })
      added.likes += 1
    }
  }
}

async function seedComments(people) {
  for (const [index, [login, name, text]] of COMMENTS.entries()) {
    const person = people.get(login)
    const id = `seed-comment-${String(index + 1).padStart(2, '0')}`
    const known = await person.call('comments', { action: 'list', photoId: photoId(name) })
    if (known.some((comment) => comment.id === id)) continue
    await person.call('comments', { action: 'add', photoId: photoId(name), id, text })
    added.comments += 1
  }
}

async function main() {
  paintAll()
  const people = new Map()
  for (const user of USERS) people.set(user.login, await enter(user))
  for (const album of ALBUMS) await seedAlbum(people, album)
  await seedLikes(people)
  await seedComments(people)
  const { albums, members, photos, likes, comments } = added
  if (albums + members + photos + likes + comments === 0) {
    console.log('示例数据已经齐全 / the sample data is complete already')
  } else {
    console.log(
      `已添加 ${albums} 本相册、${photos} 张照片、${likes} 个喜欢、${comments} 条评论 / ` +
        `added ${albums} albums, ${photos} photos, ${likes} likes, ${comments} comments`,
    )
  }
}

main().catch((error) => {
  console.error(
    `没有填好示例数据：${error.errMsg ?? error.message}\n` +
      `could not seed ${endpoint}: is the server running? (yunkai dev apps/album)`,
  )
  process.exitCode = 1
})
