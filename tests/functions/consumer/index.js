// Notes which records a batch brought; fails when asked to, or says that it did only some.
const cloud = require('wx-server-sdk');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

exports.main = async (event) => {
  if (event.Records.some(({ data }) => data?.fail)) throw new Error('asked to fail');
  const only = event.Records.find(({ data }) => data?.only)?.data.only;
  const done = event.Records.slice(0, only);
  const numbers = done.map(({ sequenceNumber }) => sequenceNumber);
  const ticks = cloud.database().collection('ticks');
  // A batch that is handed over again is the same document.
  await ticks.doc(`batch-${String(numbers[0]).padStart(6, '0')}`).set({ data: { numbers, event } });
  return { checkpoint: numbers.at(-1) };
};
