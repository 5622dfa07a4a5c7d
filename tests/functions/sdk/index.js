// What every mini program does, with whatever wx-server-sdk lies beside it.
const fs = require('fs');
const cloud = require('wx-server-sdk');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();
const _ = db.command;

exports.main = async (event) => {
  if (event.nested) return { openid: cloud.getWXContext().OPENID, sum: event.a + event.b };
  const { OPENID, APPID, SOURCE } = cloud.getWXContext();
  const things = db.collection('things');
  const added = await things.add({
    data: { owner: OPENID, by: event.self, count: 1, tags: ['a'] },
  });
  await things.doc(added._id).update({ data: { count: _.inc(2), tags: _.push(['b']) } });
  const read = await things.doc(added._id).get();
  const found = await things
    .where({ owner: OPENID, by: event.self, count: _.gt(2).and(_.lt(4)) })
    .get();
  const uploaded = await cloud.uploadFile({
    cloudPath: `sdk/${added._id}.txt`,
    fileContent: Buffer.from('文件'),
  });
  const { fileList } = await cloud.getTempFileURL({ fileList: [uploaded.fileID] });
  const downloaded = await cloud.downloadFile({ fileID: uploaded.fileID });
  const deleted = await cloud.deleteFile({ fileList: [uploaded.fileID] });
  const nested = await cloud.callFunction({
    name: event.self,
    data: { nested: true, a: 1, b: 2 },
  });
  const code = await cloud.openapi.wxacode.getUnlimited({ scene: 'a=1' });
  return {
    context: { OPENID, APPID, SOURCE: typeof SOURCE },
    document: { ...read.data, _id: undefined },
    found: found.data.length,
    link: fileList[0].tempFileURL,
    status: fileList[0].status,
    text: downloaded.fileContent.toString(),
    deleted: deleted.fileList[0].status,
    nested: nested.result,
    picture: code.contentType,
    bundled: fs.existsSync('.yunkai/bundle.js'),
    version: JSON.parse(fs.readFileSync('node_modules/wx-server-sdk/package.json')).version,
  };
};
