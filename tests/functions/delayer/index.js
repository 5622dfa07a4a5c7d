// Asks, as real projects do, that another function runs in a while.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

exports.main = async ({ functionName, delayTime, data }) => {
  try {
    return await cloud.openapi.cloudbase.addDelayedFunctionTask({
      env: cloud.DYNAMIC_CURRENT_ENV.toString(),
      functionName,
      delayTime,
      data: JSON.stringify(data),
    });
  } catch (error) {
    return { errCode: error.errCode, errMsg: error.errMsg };
  }
};
