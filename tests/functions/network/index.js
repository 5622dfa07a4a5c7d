// Connects in every way a program can, and says how that ended: the greeting it read, or why not.
const dgram = require('dgram');
const http = require('http');
const net = require('net');
const { execFile } = require('child_process');
const { Worker } = require('worker_threads');

/** The first bytes of a connection, by code that stands alone. */
const greeting = (host, port) => `
  const socket = require('net').connect({ host: ${JSON.stringify(host)}, port: ${port} })
  socket.setTimeout(4000, () => say('timeout'))
  const say = (text) => { report(text); socket.destroy() }
  socket.on('data', (bytes) => say(String(bytes)))
  socket.on('error', (error) => say(error.code))
  socket.on('end', () => say('ended'))`;

const output = (program, values) =>
  new Promise((resolve) => {
    execFile(program, values, { timeout: 8000 }, (error, out) => {
      resolve(out.trim() || `code ${error?.code}`);
    });
  });

const ways = {
  bash: ({ host, port }) =>
    output('bash', ['-c', `exec 3<>/dev/tcp/${host}/${port} && head -c 5 <&3`]),
  node: ({ host, port }) =>
    output(process.execPath, [
      '-e',
      `const report = (text) => console.log(text);${greeting(host, port)}`,
    ]),
  thread: ({ host, port }) =>
    new Promise((resolve) => {
      const code = `const report = (text) => require('worker_threads').parentPort.postMessage(text);`;
      new Worker(code + greeting(host, port), { eval: true }).once('message', resolve);
    }),
  /** As any code would, with all that can be seen of it. */
  own: (options) =>
    new Promise((resolve) => {
      const seen = { events: [] };
      const socket = net.connect(options);
      const end = () => {
        seen.text ??= '';
        resolve(seen);
      };
      socket.setEncoding('utf8');
      socket.setTimeout(4000, () => socket.destroy(new Error('timeout')));
      for (const name of ['lookup', 'connect', 'end']) {
        socket.on(name, () => seen.events.push(name));
      }
      socket.on('connect', () => {
        seen.remote = `${socket.remoteAddress} ${socket.remotePort}`;
        socket.end('done');
      });
      socket.on('data', (text) => {
        seen.text = (seen.text ?? '') + text;
      });
      socket.on('error', ({ code, message, address, port, syscall, errors }) => {
        seen.error = { code, message, address, port, syscall };
        if (errors) seen.errors = errors.map((error) => error.code);
      });
      socket.on('close', end);
    }),
  abstract: ({ name }) =>
    new Promise((resolve) => {
      const socket = net.connect({ path: `\0${name}` });
      socket.on('connect', () => resolve('connected'));
      socket.on('error', (error) => resolve(error.code));
    }),
  datagram: ({ host, port }) =>
    new Promise((resolve) => {
      const socket = dgram.createSocket('udp4');
      socket.on('message', (bytes) => resolve(String(bytes)));
      socket.on('error', (error) => resolve(error.code));
      socket.connect(port, host, () => socket.send('ask'));
      setTimeout(resolve, 1000, 'silence');
    }),
  fetch: ({ url }) =>
    fetch(url).then(
      (response) => response.text(),
      (error) => ({ refused: error.cause?.code ?? error.message, why: error.cause?.message }),
    ),
  /** A name server that answers what it likes. */
  rebound: ({ port, to }) =>
    new Promise((resolve) => {
      const lookup = (_host, options, done) => {
        const found = { address: to, family: net.isIP(to) };
        if (options.all) done(null, [found]);
        else done(null, found.address, found.family);
      };
      const request = http.get({ host: 'rebound.example.com', port, lookup }, () =>
        resolve('open'),
      );
      request.on('error', (error) => resolve(error.code));
    }),
  /** Destroyed while they connect. */
  async abandoned({ host, port, count }) {
    const ends = Array.from({ length: count }, (_, index) => {
      const socket = net.connect({ host, port });
      socket.on('error', () => {});
      setTimeout(() => socket.destroy(), index % 5);
      return new Promise((resolve) => socket.on('close', resolve));
    });
    return (await Promise.all(ends)).length;
  },
  /** A connection for each. */
  async oneByOne({ url, count }) {
    let good = 0;
    for (let i = 0; i < count; i += 1) {
      good += await new Promise((resolve, reject) => {
        const agent = new http.Agent();
        http
          .get(url, { agent, headers: { connection: 'close' } }, (response) => {
            response.resume().on('end', () => resolve(response.statusCode === 200 ? 1 : 0));
          })
          .on('error', reject);
      });
    }
    return good;
  },
  /** Keep-alive, many at once. */
  async many({ url, count }) {
    const agent = new http.Agent({ keepAlive: true });
    const get = () =>
      new Promise((resolve, reject) => {
        http
          .get(url, { agent }, (response) => {
            response.resume().on('end', () => resolve(response.statusCode));
          })
          .on('error', reject);
      });
    const statuses = await Promise.all(Array.from({ length: count }, get));
    agent.destroy();
    return statuses.filter((status) => status === 200).length;
  },
};

exports.main = (event) => ways[event.way](event);
