exports.run = async (event, context) => ({
  colour: process.env.COLOUR,
  size: process.env.SIZE,
  limit: context.time_limit_in_ms,
  memory: context.memory_limit_in_mb,
  event,
});
