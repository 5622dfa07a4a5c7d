/**
 * What every function of the album checks before it works: the shape of its input, whether the
 * caller is a member, and how answers and refusals look to the client. It decides nothing about
 * pictures. A cloud function carries all its files, so each folder holds the same copy;
 * scripts/check-functions.mjs fails when two copies differ.
 */

/** A refusal the user may read: `code` for the program, `message` in Chinese for the screen. */
class Refusal extends Error {
  constructor(code, message) {
    super(message)
    this.code = code
  }
}

/** Runs `work` and turns its result or refusal into `{ok, data}` or `{ok, code, message}`. */
exports.answer = async (work) => {
  try {
    return { ok: true, data: await work() }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, code: error.code, message: error.message }
    console.error(error)
    return { ok: false, code: 'SERVER', message: '服务开了个小差，请稍后再试' }
  }
}

/** Refuses with one of INVALID, NOT_FOUND, FORBIDDEN, EXPIRED, RISKY. */
const refuse = (code, message) => {
  throw new Refusal(code, message)
}
exports.refuse = refuse

/** A trimmed text of 1 to `most` characters, called `name` when it is refused. */
exports.text = (value, name, most) => {
  if (typeof value !== 'string') refuse('INVALID', `请填写${name}`)
  const trimmed = value.trim()
  if (trimmed === '') refuse('INVALID', `${name}不能为空`)
  if ([...trimmed].length > most) refuse('INVALID', `${name}最多 ${most} 个字`)
  return trimmed
}

/** An id made by a client: 6 to 40 letters, digits and hyphens. */
exports.id = (value, name) => {
  if (typeof value !== 'string' || !/^[A-Za-z0-9-]{6,40}$/.test(value)) {
    refuse('INVALID', `${name}的编号不正确`)
  }
  return value
}

/** A whole number from `least` to `most`, or `fallback` when it is absent. */
exports.whole = (value, name, least, most, fallback) => {
  if (value === undefined && fallback !== undefined) return fallback
  if (!Number.isInteger(value) || value < least || value > most) {
    refuse('INVALID', `${name}应是 ${least} 到 ${most} 之间的整数`)
  }
  return value
}

/** The caller's openid; a call without one (a timer, an anonymous visitor) is refused. */
exports.caller = (cloud) => {
  const { OPENID } = cloud.getWXContext()
  return OPENID || refuse('FORBIDDEN', '请先登录')
}

/** The document with this `_id`, or null. */
const find = async (db, collection, id) => {
  const { data } = await db.collection(collection).where({ _id: id }).limit(1).get()
  return data[0] || null
}
exports.find = find

/** The album, if it exists and the caller belongs to it. */
exports.memberAlbum = async (db, albumId, openid) => {
  const album = await find(db, 'albums', albumId)
  if (!album) refuse('NOT_FOUND', '这个相册已经被删除了')
  if (!album.members.includes(openid)) refuse('FORBIDDEN', '你还不是这个相册的成员')
  return album
}

/**
 * Adds a document under an id the client chose. Returns whether it is new: the same owner adding
 * the same id again (a retry, a double tap) is no error and writes nothing.
 */
exports.addOnce = async (db, collection, document) => {
  try {
    await db.collection(collection).add({ data: document })
    return true
  } catch (error) {
    const present = await find(db, collection, document._id)
    if (!present) throw error
    if (present.owner !== document.owner) refuse('INVALID', '这个编号已经被使用，请重试')
    return false
  }
}

/** Temporary links of file ids, two hours long, as a Map; files that are gone are left out. */
exports.links = async (cloud, fileIDs) => {
  const wanted = [...new Set(fileIDs.filter(Boolean))]
  const found = new Map()
  for (let from = 0; from < wanted.length; from += 50) {
    const fileList = wanted.slice(from, from + 50).map((fileID) => ({ fileID, maxAge: 7200 }))
    const reply = await cloud.getTempFileURL({ fileList })
    for (const file of reply.fileList) {
      if (file.status === 0 && file.tempFileURL) found.set(file.fileID, file.tempFileURL)
    }
  }
  return found
}

/** What others see of the owners of some documents: openid → {name, tint}. Openids stay here. */
exports.people = async (db, openids) => {
  const wanted = [...new Set(openids)]
  const known = new Map()
  for (let from = 0; from < wanted.length; from += 100) {
    const { data } = await db
      .collection('users')
      .where({ _id: db.command.in(wanted.slice(from, from + 100)) })
      .limit(100)
      .get()
    for (const user of data) known.set(user._id, { name: user.name, tint: user.tint })
  }
  return (openid) => known.get(openid) || { name: '一位朋友', tint: 0 }
}

/** Refuses text that WeChat's content check does not pass. */
exports.checkText = async (cloud, openid, content) => {
  let verdict
  try {
    const reply = await cloud.openapi.security.msgSecCheck({
      openid,
      scene: 2,
      version: 2,
      content,
    })
    verdict = reply.result ? reply.result.suggest : 'pass'
  } catch (error) {
    if (error.errCode !== 87014) throw error
    verdict = 'risky'
  }
  if (verdict !== 'pass') refuse('RISKY', '这段文字没有通过内容安全检查，请换个说法')
}

/** Milliseconds of a stored date. */
exports.time = (date) => new Date(date).getTime()
