/**
 * Albums of the caller. event.action:
 *   list | create {id, name} | detail {albumId} | rename {albumId, name} | cover {albumId, photoId}
 *   | delete {albumId} | leave {albumId}
 * Only members see an album; only its owner renames, deletes it or chooses the cover.
 */
const cloud = require('wx-server-sdk')
const gate = require('./gate')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

const MOST_NAME = 20
const MOST_FILES_PER_CALL = 50

const summary = (album, openid, urls, people) => ({
  id: album._id,
  name: album.name,
  coverId: album.coverId,
  coverUrl: urls.get(album.cover) || '',
  photoCount: album.photoCount,
  memberCount: album.members.length,
  mine: album.owner === openid,
  ownerName: people(album.owner).name,
  updatedAt: gate.time(album.updatedAt),
})

async function list(openid) {
  const { data } = await db
    .collection('albums')
    .where({ members: openid })
    .orderBy('updatedAt', 'desc')
    .limit(100)
    .get()
  const urls = await gate.links(
    cloud,
    data.map((album) => album.cover),
  )
  const people = await gate.people(
    db,
    data.map((album) => album.owner),
  )
  return data.map((album) => summary(album, openid, urls, people))
}

async function create(openid, event) {
  const _id = gate.id(event.id, '相册')
  const name = gate.text(event.name, '相册名称', MOST_NAME)
  await gate.checkText(cloud, openid, name)
  const now = db.serverDate()
  await gate.addOnce(db, 'albums', {
    _id,
    name,
    owner: openid,
    members: [openid],
    cover: '',
    coverId: '',
    photoCount: 0,
    createdAt: now,
    updatedAt: now,
  })
  return { id: _id }
}

async function detail(openid, event) {
  const album = await gate.memberAlbum(db, gate.id(event.albumId, '相册'), openid)
  const urls = await gate.links(cloud, [album.cover])
  const people = await gate.people(db, album.members)
  const members = album.members.map((member) => ({
    ...people(member),
    owner: member === album.owner,
    me: member === openid,
  }))
  return { ...summary(album, openid, urls, people), members }
}

async function owned(openid, event) {
  const album = await gate.memberAlbum(db, gate.id(event.albumId, '相册'), openid)
  if (album.owner !== openid) gate.refuse('FORBIDDEN', '只有相册的主人可以这样做')
  return album
}

async function rename(openid, event) {
  const album = await owned(openid, event)
  const name = gate.text(event.name, '相册名称', MOST_NAME)
  await gate.checkText(cloud, openid, name)
  await db.collection('albums').doc(album._id).update({ data: { name } })
  return { name }
}

async function cover(openid, event) {
  const album = await owned(openid, event)
  const photo = await gate.find(db, 'photos', gate.id(event.photoId, '照片'))
  if (!photo || photo.albumId !== album._id) gate.refuse('NOT_FOUND', '这张照片已经被删除了')
  await db
    .collection('albums')
    .doc(album._id)
    .update({ data: { cover: photo.fileID, coverId: photo._id } })
  return {}
}

/** The album goes first, so that nobody adds to it; then its records, the files last. */
async function remove(openid, event) {
  const album = await owned(openid, event)
  const files = []
  await db.collection('albums').doc(album._id).remove()
  for (const collection of ['photos', 'shares']) {
    for (;;) {
      const { data } = await db
        .collection(collection)
        .where({ albumId: album._id })
        .field({ fileID: true })
        .limit(100)
        .get()
      if (data.length === 0) break
      files.push(...data.map((document) => document.fileID))
      await db
        .collection(collection)
        .where({ _id: _.in(data.map((document) => document._id)) })
        .remove()
    }
  }
  for (const collection of ['likes', 'comments']) {
    await db.collection(collection).where({ albumId: album._id }).remove()
  }
  for (let from = 0; from < files.length; from += MOST_FILES_PER_CALL) {
    await cloud.deleteFile({ fileList: files.slice(from, from + MOST_FILES_PER_CALL) })
  }
  return {}
}

async function leave(openid, event) {
  const album = await gate.memberAlbum(db, gate.id(event.albumId, '相册'), openid)
  if (album.owner === openid) gate.refuse('INVALID', '你是主人，不能退出，只能删除相册')
  await db
    .collection('albums')
    .doc(album._id)
    .update({ data: { members: _.pull(openid) } })
  return {}
}

const ACTIONS = { list, create, detail, rename, cover, delete: remove, leave }

exports.main = (event) =>
  gate.answer(async () => {
    const openid = gate.caller(cloud)
    if (!Object.hasOwn(ACTIONS, event.action)) gate.refuse('INVALID', '不认识的操作')
    return ACTIONS[event.action](openid, event)
  })
