/** A function in the style of the vendor's functions framework. */
const fs = require('node:fs');
const cloud = require('wx-server-sdk');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

exports.main = async (event, context) => {
  const { pathname } = new URL(context.httpContext.url);
  if (pathname === '/text') return 'plain words';
  if (pathname === '/page') return '<p>a page</p>';
  if (pathname === '/nothing') return undefined;
  if (pathname === '/made') {
    return { statusCode: 201, headers: { 'x-made': 'yes' }, body: { made: true } };
  }
  if (pathname === '/throws') throw new Error('as it was told');
  if (pathname === '/upload') {
    return { name: event.name, file: fs.readFileSync(event.file.filepath, 'utf8') };
  }
  if (pathname === '/who') {
    const { result } = await cloud.callFunction({ name: 'context', data: {} });
    return { nested: result.wx.OPENID, told: context.extendedContext.wechatContext.openId };
  }
  if (pathname === '/stream') {
    const sse = context.sse();
    sse.send({ event: 'first', data: { n: 1 } });
    sse.end([{ data: 'two\nlines' }, { comment: 'bye' }]);
    return 'not sent';
  }
  const raw = Buffer.isBuffer(event) ? event.toString('base64') : null;
  const { httpMethod, headers } = context.httpContext;
  return { event, raw, httpMethod, type: context.eventType, mine: headers['x-mine'] };
};
