/**
 * Makes the mini-program code that invites to an album. event: {albumId}. Members may invite.
 * The code holds only a short random scene; what it opens and until when is kept in `shares`.
 * A code of the same member that still lasts a week is given again instead of a new one.
 */
const crypto = require('crypto')
const cloud = require('wx-server-sdk')
const gate = require('./gate')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

const DAY_MS = 24 * 3600 * 1000
const LASTS_MS = 30 * DAY_MS
const REUSED_WHILE_MS = 7 * DAY_MS

async function makeShare(album, openid) {
  const scene = crypto.randomBytes(12).toString('hex')
  const code = await cloud.openapi.wxacode.getUnlimited({
    scene,
    page: 'pages/landing/landing',
    checkPath: false,
  })
  const kind = String(code.contentType).includes('png') ? 'png' : 'jpg'
  const { fileID } = await cloud.uploadFile({
    cloudPath: `shares/${scene}.${kind}`,
    fileContent: code.buffer,
  })
  const share = {
    _id: scene,
    albumId: album._id,
    owner: openid,
    fileID,
    expiresAt: new Date(Date.now() + LASTS_MS),
  }
  await db.collection('shares').add({ data: { ...share, createdAt: db.serverDate() } })
  return share
}

exports.main = (event) =>
  gate.answer(async () => {
    const openid = gate.caller(cloud)
    const album = await gate.memberAlbum(db, gate.id(event.albumId, '相册'), openid)
    const lasting = await db
      .collection('shares')
      .where({
        albumId: album._id,
        owner: openid,
        expiresAt: _.gt(new Date(Date.now() + REUSED_WHILE_MS)),
      })
      .orderBy('expiresAt', 'desc')
      .limit(1)
      .get()
    let share = lasting.data[0]
    let urls = share ? await gate.links(cloud, [share.fileID]) : new Map()
    if (!share || !urls.has(share.fileID)) {
      share = await makeShare(album, openid)
      urls = await gate.links(cloud, [share.fileID])
    }
    const people = await gate.people(db, [album.owner])
    return {
      scene: share._id,
      codeUrl: urls.get(share.fileID) || '',
      expiresAt: gate.time(share.expiresAt),
      albumName: album.name,
      photoCount: album.photoCount,
      ownerName: people(album.owner).name,
    }
  })
