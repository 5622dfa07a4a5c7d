/**
 * Who the caller is in the album: makes the profile at the first visit and changes the nickname.
 * event: {} | {hint} (a name to start with, used once) | {name} (a new nickname).
 * It gives out the caller's own profile only.
 */
const crypto = require('crypto')
const cloud = require('wx-server-sdk')
const gate = require('./gate')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()

const MOODS = ['晴天的', '慢慢走的', '爱笑的', '起得早的', '看云的', '听雨的', '爱喝茶的', '赶海的']
const THINGS = ['橘子', '小鹿', '云朵', '松果', '海鸥', '青柠', '麦穗', '风筝']
const TINTS = 8

function firstProfile(openid, hint) {
  const digest = crypto.createHash('sha256').update(openid).digest()
  const drawn = MOODS[digest[0] % MOODS.length] + THINGS[digest[1] % THINGS.length]
  const hinted = typeof hint === 'string' ? [...hint.trim()].slice(0, 12).join('') : ''
  return {
    _id: openid,
    owner: openid,
    name: hinted || drawn,
    tint: digest[2] % TINTS,
    // The folder of this user's files; random, so that file paths tell nothing about people.
    folder: crypto.randomBytes(9).toString('hex'),
    createdAt: db.serverDate(),
  }
}

exports.main = (event) =>
  gate.answer(async () => {
    const openid = gate.caller(cloud)
    if (!(await gate.find(db, 'users', openid))) {
      await gate.addOnce(db, 'users', firstProfile(openid, event.hint))
    }
    if (event.name !== undefined) {
      const name = gate.text(event.name, '昵称', 12)
      await gate.checkText(cloud, openid, name)
      await db.collection('users').doc(openid).update({ data: { name } })
    }
    const { name, tint, folder } = await gate.find(db, 'users', openid)
    return { name, tint, folder }
  })
