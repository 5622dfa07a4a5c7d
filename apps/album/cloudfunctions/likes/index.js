/**
 * Likes of one photo. event: {photoId, liked: boolean} says how it should be, not "the other way",
 * so that a double tap or a retry counts once. One document per photo and person, under an id made
 * of both. Only members of the album may like.
 */
const cloud = require('wx-server-sdk')
const gate = require('./gate')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

exports.main = (event) =>
  gate.answer(async () => {
    const openid = gate.caller(cloud)
    const photoId = gate.id(event.photoId, '照片')
    if (typeof event.liked !== 'boolean') gate.refuse('INVALID', '请说明是喜欢还是取消')
    const photo = await gate.find(db, 'photos', photoId)
    if (!photo) gate.refuse('NOT_FOUND', '这张照片已经被删除了')
    await gate.memberAlbum(db, photo.albumId, openid)
    const _id = `${photoId}:${openid}`
    const photos = db.collection('photos')
    if (event.liked) {
      const like = {
        _id,
        photoId,
        albumId: photo.albumId,
        owner: openid,
        createdAt: db.serverDate(),
      }
      const fresh = await gate.addOnce(db, 'likes', like)
      if (fresh) await photos.doc(photoId).update({ data: { likeCount: _.inc(1) } })
    } else {
      const { stats } = await db.collection('likes').doc(_id).remove()
      if (stats.removed > 0) await photos.doc(photoId).update({ data: { likeCount: _.inc(-1) } })
    }
    const after = await gate.find(db, 'photos', photoId)
    return { liked: event.liked, likeCount: after ? after.likeCount : 0 }
  })
