/**
 * Comments of one photo, for members of its album. event.action:
 * list {photoId} | add {photoId, id, text} | remove {id} `add` takes an id chosen by the client,
 * so a retry writes one comment. Text passes WeChat's content check first. A comment is removed by
 * its writer or by the album's owner.
 */
const cloud = require('wx-server-sdk')
const gate = require('./gate')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

const MOST_TEXT = 200
const MOST_LISTED = 100

async function photoOf(openid, value) {
  const photo = await gate.find(db, 'photos', gate.id(value, '照片'))
  if (!photo) gate.refuse('NOT_FOUND', '这张照片已经被删除了')
  const album = await gate.memberAlbum(db, photo.albumId, openid)
  return { photo, album }
}

const shown = (comment, openid, album, people) => ({
  id: comment._id,
  text: comment.text,
  author: people(comment.owner),
  canDelete: comment.owner === openid || album.owner === openid,
  createdAt: gate.time(comment.createdAt),
})

async function list(openid, event) {
  const { photo, album } = await photoOf(openid, event.photoId)
  const { data } = await db
    .collection('comments')
    .where({ photoId: photo._id })
    .orderBy('createdAt', 'desc')
    .limit(MOST_LISTED)
    .get()
  const people = await gate.people(
    db,
    data.map((comment) => comment.owner),
  )
  return data.reverse().map((comment) => shown(comment, openid, album, people))
}

async function add(openid, event) {
  const { photo, album } = await photoOf(openid, event.photoId)
  const _id = gate.id(event.id, '评论')
  const text = gate.text(event.text, '评论', MOST_TEXT)
  await gate.checkText(cloud, openid, text)
  const fresh = await gate.addOnce(db, 'comments', {
    _id,
    photoId: photo._id,
    albumId: album._id,
    owner: openid,
    text,
    createdAt: db.serverDate(),
  })
  if (fresh) {
    await db
      .collection('photos')
      .doc(photo._id)
      .update({ data: { commentCount: _.inc(1) } })
  }
  const people = await gate.people(db, [openid])
  return shown(await gate.find(db, 'comments', _id), openid, album, people)
}

async function remove(openid, event) {
  const comment = await gate.find(db, 'comments', gate.id(event.id, '评论'))
  if (!comment) return {}
  const album = await gate.memberAlbum(db, comment.albumId, openid)
  if (comment.owner !== openid && album.owner !== openid) {
    gate.refuse('FORBIDDEN', '只能删除自己的评论')
  }
  const { stats } = await db.collection('comments').doc(comment._id).remove()
  if (stats.removed > 0) {
    await db
      .collection('photos')
      .doc(comment.photoId)
      .update({ data: { commentCount: _.inc(-1) } })
  }
  return {}
}

const ACTIONS = { list, add, remove }

exports.main = (event) =>
  gate.answer(async () => {
    const openid = gate.caller(cloud)
    if (!Object.hasOwn(ACTIONS, event.action)) gate.refuse('INVALID', '不认识的操作')
    return ACTIONS[event.action](openid, event)
  })
