exports.main = () => ({ from: 'one' });
