// The ways to end that real functions use.
exports.main = (event, context, callback) => {
  switch (event.how) {
    case 'throw an error':
      throw new Error('the shop is closed');
    case 'throw a string':
      throw 'just a string';
    case 'reject':
      return Promise.reject(new TypeError('rejected by hand'));
    case 'reject later':
      return new Promise((_, reject) => setImmediate(() => reject(new Error('rejected late'))));
    case 'read of undefined':
      return (async () => event.missing.field)();
    case 'return nothing':
      return undefined;
    case 'return null':
      return null;
    case 'return a string':
      return 'plain text';
    case 'return a number':
      return 42;
    case 'return false':
      return false;
    case 'return an array':
      return [1, 'two', { three: 3 }];
    case 'return an error object':
      return Object.assign(new Error('handed back'), { errCode: 7 });
    case 'return a date':
      return { at: new Date(0) };
    case 'call back':
      return callback(null, { by: 'callback' });
    case 'call back later':
      setImmediate(() => callback(null, { by: 'late callback' }));
      return undefined;
    case 'call back an error':
      return callback(new Error('called back'));
    case 'a circle': {
      const circle = {};
      circle.self = circle;
      return circle;
    }
    case 'exit':
      return process.exit(3);
    default:
      return { how: event.how };
  }
};
