// Run for changes of documents and files: notes the event; what the document says decides the rest.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();

exports.main = async (event) => {
  const { OPENID = null } = cloud.getWXContext();
  const data = event.data || {};
  const at = performance.timeOrigin + performance.now();
  await db.collection('events').add({ data: { at, event: JSON.stringify(event), openid: OPENID } });
  if (data.fail) throw new Error('on purpose');
  if (data.wide) {
    const open = db.collection(event.collection).where({ wide: true });
    await open.update({ data: { n: db.command.inc(1) } });
  }
  if (data.again) {
    await db
      .collection(event.collection)
      .doc(event.docId)
      .update({ data: { n: db.command.inc(1) } });
  }
};
