/**
 * What a scanned code opens. event.action: view {scene} | join {scene}
 * A visitor sees the cover, the title, the count and the newest pictures, nothing more; who joins
 * becomes a member. Expired codes and deleted albums are refused with a reason.
 */
const cloud = require('wx-server-sdk')
const gate = require('./gate')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

const PREVIEWED = 9

async function invitation(event) {
  const share = await gate.find(db, 'shares', gate.id(event.scene, '邀请'))
  if (!share) gate.refuse('NOT_FOUND', '这个邀请不存在，或者相册已经被删除')
  if (gate.time(share.expiresAt) < Date.now())
    gate.refuse('EXPIRED', '这个邀请已经过期，请让朋友重新分享')
  const album = await gate.find(db, 'albums', share.albumId)
  if (!album) gate.refuse('NOT_FOUND', '这个相册已经被删除了')
  return { share, album }
}

async function view(openid, event) {
  const { share, album } = await invitation(event)
  const { data } = await db
    .collection('photos')
    .where({ albumId: album._id })
    .orderBy('createdAt', 'desc')
    .limit(PREVIEWED)
    .get()
  const urls = await gate.links(cloud, [album.cover, ...data.map((photo) => photo.fileID)])
  const people = await gate.people(db, [album.owner, share.owner])
  const member = album.members.includes(openid)
  return {
    albumId: member ? album._id : '',
    name: album.name,
    coverUrl: urls.get(album.cover) || '',
    photoCount: album.photoCount,
    memberCount: album.members.length,
    member,
    owner: people(album.owner),
    inviter: people(share.owner),
    pictures: data.map((photo) => ({ id: photo._id, url: urls.get(photo.fileID) || '' })),
  }
}

async function join(openid, event) {
  const { album } = await invitation(event)
  await db
    .collection('albums')
    .doc(album._id)
    .update({ data: { members: _.addToSet(openid) } })
  return { albumId: album._id }
}

const ACTIONS = { view, join }

exports.main = (event) =>
  gate.answer(async () => {
    const openid = gate.caller(cloud)
    if (!Object.hasOwn(ACTIONS, event.action)) gate.refuse('INVALID', '不认识的操作')
    return ACTIONS[event.action](openid, event)
  })
