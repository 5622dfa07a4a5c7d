const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

exports.main = async (event, context) => ({
  event,
  wx: cloud.getWXContext(),
  context: {
    request_id: context.request_id,
    function_name: context.function_name,
    function_version: context.function_version,
    memory_limit_in_mb: context.memory_limit_in_mb,
    time_limit_in_ms: context.time_limit_in_ms,
    environment: typeof context.environment,
    environ: typeof context.environ,
  },
});
