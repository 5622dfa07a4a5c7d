// Files inside a function: upload, link, download, delete.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

exports.main = async (event) => {
  const cloudPath = event.path;
  const uploaded = await cloud.uploadFile({
    cloudPath,
    fileContent: Buffer.from(event.text, 'utf8'),
  });
  const { fileID } = uploaded;
  const link = await cloud.getTempFileURL({ fileList: [fileID] });
  const withAge = await cloud.getTempFileURL({ fileList: [{ fileID, maxAge: 60 }] });
  const downloaded = await cloud.downloadFile({ fileID });
  const text = downloaded.fileContent.toString('utf8');
  const missing = fileID + '.missing';
  const missingLink = await cloud.getTempFileURL({ fileList: [missing] });
  const deleted = event.keep ? null : await cloud.deleteFile({ fileList: [fileID, missing] });
  return {
    uploaded,
    link,
    withAge,
    text,
    downloaded: { errMsg: downloaded.errMsg, statusCode: downloaded.statusCode },
    missingLink,
    deleted,
  };
};
