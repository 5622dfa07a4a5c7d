exports.main = async (event) => {
  console.log('log says', event.word, { nested: { deep: [1, 2] } });
  console.info('info says', event.word);
  console.warn('warn says', event.word);
  console.error('error says', event.word);
  process.stdout.write(`stdout says ${event.word}\n`);
  return 'done';
};
