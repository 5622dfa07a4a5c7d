// No strict mode, globals without a declaration, a synchronous main.
cloud = require('wx-server-sdk');
cloud.init();
db = cloud.database();

exports.main = (event, context) => {
  total = 0;
  for (i = 0; i < 3; i++) total += i;
  return db
    .collection(event.collection)
    .count()
    .then((res) => ({ total, res }));
};
