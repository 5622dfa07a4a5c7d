// Makes a mini-program code and keeps the picture.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

exports.main = async (event) => {
  try {
    const code = await cloud.openapi.wxacode.getUnlimited({
      scene: event.scene,
      page: 'pages/landing/landing',
      checkPath: false,
    });
    const { fileID } = await cloud.uploadFile({
      cloudPath: `codes/${event.scene}.jpg`,
      fileContent: code.buffer,
    });
    const { fileList } = await cloud.getTempFileURL({ fileList: [fileID] });
    const { errCode, errMsg, contentType } = code;
    return { errCode, errMsg, contentType, url: fileList[0].tempFileURL };
  } catch (error) {
    return { failed: true, errCode: error.errCode, errMsg: error.errMsg };
  }
};
