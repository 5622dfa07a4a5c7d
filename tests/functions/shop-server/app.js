/** A server as people write it: plain Node, one port, many requests at once. */
const { createHash } = require('node:crypto');
const http = require('node:http');
const cloud = require('wx-server-sdk');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const waiting = [];

function answer(request, response, value) {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

const pages = {
  '/': (request, response, body) => {
    const { method, url, headers } = request;
    answer(request, response, { method, url, headers, body, main: require.main === module });
  },
  '/about': (request, response) => {
    const { GREETING, PORT } = process.env;
    const address = server.address();
    answer(request, response, { GREETING, PORT, address, values: process.argv.slice(2) });
  },
  '/events': (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
    waiting.push(response);
  },
  '/next': (request, response) => {
    for (const other of waiting.splice(0)) other.end('data: 2\n\n');
    answer(request, response, 'sent');
  },
  '/meet': (request, response) => {
    waiting.push(response);
    if (waiting.length < 2) return;
    for (const other of waiting.splice(0)) other.end('met');
  },
  '/who': async (request, response) => {
    const { result } = await cloud.callFunction({ name: 'context', data: {} });
    answer(request, response, { header: request.headers['x-wx-openid'], nested: result.wx });
  },
  '/silent': () => {},
  '/exit': () => process.exit(1),
};

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString('base64');
    const page = pages[new URL(request.url, 'http://x').pathname] ?? pages['/'];
    page(request, response, body);
  });
});

server.on('upgrade', (request, socket) => {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  // One text frame, unmasked as servers send it.
  const text = Buffer.from(request.headers['x-wx-openid'] ?? 'nobody');
  socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
  socket.on('data', () => socket.end());
});

server.listen(9000, '0.0.0.0');
