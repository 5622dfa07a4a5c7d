// Calls another function in the name of the caller.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

exports.main = async (event) => {
  const inner = await cloud.callFunction({ name: event.name, data: event.data });
  return { outer: cloud.getWXContext(), inner };
};
