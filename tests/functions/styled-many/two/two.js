exports.run = () => ({ from: 'two' });
