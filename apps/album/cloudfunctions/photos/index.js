/**
 * Photos of an album, for its members. event.action:
 * list {albumId, skip, limit} | add {albumId, photoId, fileID, width, height, size} | delete
 * {photoId} `add` takes an id chosen by the client: a retry never makes a second photo. Links of
 * files are given to members only and last two hours. A photo is deleted by who added it or by the
 * album's owner.
 */
const cloud = require('wx-server-sdk')
const gate = require('./gate')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

const MOST_PER_PAGE = 60
const MOST_SIDE = 30000
const MOST_BYTES = 50 * 1024 * 1024

async function list(openid, event) {
  const album = await gate.memberAlbum(db, gate.id(event.albumId, '相册'), openid)
  const skip = gate.whole(event.skip, '起点', 0, 100000, 0)
  const limit = gate.whole(event.limit, '张数', 1, MOST_PER_PAGE, 30)
  const { data } = await db
    .collection('photos')
    .where({ albumId: album._id })
    .orderBy('createdAt', 'desc')
    .orderBy('_id', 'desc')
    .skip(skip)
    .limit(limit + 1)
    .get()
  const page = data.slice(0, limit)
  const likeIds = page.map((photo) => `${photo._id}:${openid}`)
  const liked = new Set()
  if (likeIds.length > 0) {
    const likes = await db
      .collection('likes')
      .where({ _id: _.in(likeIds) })
      .limit(100)
      .get()
    for (const like of likes.data) liked.add(like.photoId)
  }
  const urls = await gate.links(
    cloud,
    page.map((photo) => photo.fileID),
  )
  const people = await gate.people(
    db,
    page.map((photo) => photo.owner),
  )
  const photos = page.map((photo) => ({
    id: photo._id,
    url: urls.get(photo.fileID) || '',
    width: photo.width,
    height: photo.height,
    likeCount: photo.likeCount,
    commentCount: photo.commentCount,
    liked: liked.has(photo._id),
    canDelete: photo.owner === openid || album.owner === openid,
    author: people(photo.owner),
    createdAt: gate.time(photo.createdAt),
  }))
  return { photos, more: data.length > limit, mine: album.owner === openid }
}

/**
 * A file may only enter an album by its uploader: it lies in the caller's own folder, under this
 * id.
 */
async function checkFile(openid, albumId, photoId, fileID) {
  const user = await gate.find(db, 'users', openid)
  const path = `photos/${user ? user.folder : '?'}/${albumId}/${photoId}.`
  const parts = /^cloud:\/\/[^/]+\/(.+\.)(jpe?g|png|gif|webp|heic|bmp)$/i.exec(String(fileID))
  if (!parts || parts[1] !== path) gate.refuse('INVALID', '照片文件不属于你，请重新选择')
  const present = await gate.links(cloud, [fileID])
  if (!present.has(fileID)) gate.refuse('INVALID', '照片还没有传完，请重试')
}

async function add(openid, event) {
  const album = await gate.memberAlbum(db, gate.id(event.albumId, '相册'), openid)
  const photoId = gate.id(event.photoId, '照片')
  const width = gate.whole(event.width, '宽度', 1, MOST_SIDE)
  const height = gate.whole(event.height, '高度', 1, MOST_SIDE)
  const size = gate.whole(event.size, '大小', 1, MOST_BYTES)
  await checkFile(openid, album._id, photoId, event.fileID)
  const now = db.serverDate()
  const fresh = await gate.addOnce(db, 'photos', {
    _id: photoId,
    albumId: album._id,
    owner: openid,
    fileID: event.fileID,
    width,
    height,
    size,
    likeCount: 0,
    commentCount: 0,
    createdAt: now,
  })
  if (!fresh) return { id: photoId }
  const albums = db.collection('albums')
  await albums.doc(album._id).update({ data: { photoCount: _.inc(1), updatedAt: now } })
  await albums
    .where({ _id: album._id, cover: '' })
    .update({ data: { cover: event.fileID, coverId: photoId } })
  return { id: photoId }
}

/**
 * The record first, then what hangs on it, the file last: a half-done delete never shows a hole.
 */
async function remove(openid, event) {
  const photoId = gate.id(event.photoId, '照片')
  const photo = await gate.find(db, 'photos', photoId)
  if (!photo) return {}
  const album = await gate.memberAlbum(db, photo.albumId, openid)
  if (photo.owner !== openid && album.owner !== openid) {
    gate.refuse('FORBIDDEN', '只能删除自己的照片')
  }
  const { stats } = await db.collection('photos').doc(photoId).remove()
  if (stats.removed === 0) return {}
  const albums = db.collection('albums')
  await albums.doc(album._id).update({ data: { photoCount: _.inc(-1) } })
  const next = await db
    .collection('photos')
    .where({ albumId: album._id })
    .orderBy('createdAt', 'desc')
    .limit(1)
    .get()
  const [heir] = next.data
  await albums
    .where({ _id: album._id, coverId: photoId })
    .update({ data: { cover: heir ? heir.fileID : '', coverId: heir ? heir._id : '' } })
  await db.collection('likes').where({ photoId }).remove()
  await db.collection('comments').where({ photoId }).remove()
  await cloud.deleteFile({ fileList: [photo.fileID] })
  return {}
}

const ACTIONS = { list, add, delete: remove }

exports.main = (event) =>
  gate.answer(async () => {
    const openid = gate.caller(cloud)
    if (!Object.hasOwn(ACTIONS, event.action)) gate.refuse('INVALID', '不认识的操作')
    return ACTIONS[event.action](openid, event)
  })
