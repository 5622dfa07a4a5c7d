/** Answers HTTP requests in every way a function can. */
const { createHash } = require('node:crypto');
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNg+M/wHwAEAgH/mC3DJgAAAABJRU5ErkJggg==';

const answers = {
  '/text': () => '<h1>雪</h1>',
  '/object': () => ({ a: 1 }),
  '/nothing': () => undefined,
  '/page': () => ({
    isBase64Encoded: false,
    statusCode: 201,
    headers: { 'Content-Type': 'text/html', 'Set-Cookie': ['a=1; Path=/', 'b=2'] },
    body: '<h1>ok</h1>',
  }),
  '/json': () => ({ statusCode: 200, headers: {}, body: { nested: [1, { 雪: true }] } }),
  '/pixel': () => ({
    isBase64Encoded: true,
    statusCode: 200,
    headers: { 'content-type': 'image/png' },
    body: pixel,
  }),
  '/elsewhere': () => ({ statusCode: 302, headers: { Location: '/web/text' } }),
  '/origins': () => ({
    statusCode: 200,
    headers: { 'Access-Control-Allow-Origin': 'https://only.example' },
    body: '',
  }),
  '/smuggled': () => ({ statusCode: 200, headers: { 'x-a': '1\r\nset-cookie: b=2' }, body: '' }),
  '/status': () => ({ statusCode: 42, body: '' }),
  '/throws': () => {
    throw new Error('nothing to see here');
  },
  '/slow': () => new Promise(() => {}),
  '/size': (event) => ({
    hash: createHash('sha256').update(Buffer.from(event.body, 'base64')).digest('hex'),
  }),
  '/who': (event) => ({
    wx: cloud.getWXContext(),
    uid: process.env.TCB_UUID ?? null,
    http: JSON.parse(process.env.TCB_HTTP_CONTEXT),
    requestId: event.requestContext.requestId,
  }),
};

exports.main = async (event) => {
  const answer = answers[event.path];
  return answer ? answer(event) : event;
};
