// What functions ask of WeChat, with the vendor's SDK as it is: `event.call` names it.
const cloud = require('wx-server-sdk');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

const follow = (root, path) => path.split('.').reduce((at, name) => at[name], root);

exports.main = async (event) => {
  try {
    switch (event.call) {
      case 'openapi': {
        const root = event.appid ? cloud.openapi({ appid: event.appid }) : cloud.openapi;
        const data = { ...event.data };
        for (const name of Object.keys(data)) {
          if (data[name]?.base64) {
            data[name] = {
              contentType: data[name].contentType,
              value: Buffer.from(data[name].base64, 'base64'),
            };
          }
        }
        const answer = await follow(root, event.api)(data);
        return answer.buffer ? { ...answer, buffer: answer.buffer.length } : answer;
      }
      case 'pay': {
        const root = event.appid ? cloud.cloudPay({ appid: event.appid }) : cloud.cloudPay;
        return await follow(root, event.api)(event.data);
      }
      case 'Cloud':
        return await new cloud.Cloud(event.data).init();
      case 'event':
        return event;
      default:
        return await cloud[event.call](event.data);
    }
  } catch (error) {
    return {
      failed: true,
      errCode: error.errCode,
      errMsg: error.errMsg,
      message: error.message,
    };
  }
};
