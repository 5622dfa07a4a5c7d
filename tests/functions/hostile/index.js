// Does what a function must not be able to do, and says how far it came.
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const { spawn, spawnSync } = require('child_process');

/** What came of an attempt: its value, or the code of its error. */
const attempt = (what) => {
  try {
    return what() ?? true;
  } catch (error) {
    return { refused: error.code ?? error.message };
  }
};

/** Connects as any code would; answers how that ended. */
const connect = (options) =>
  new Promise((resolve) => {
    const socket = net.connect(options);
    const end = (what) => {
      socket.destroy();
      resolve(what);
    };
    socket.setTimeout(3000, () => end({ refused: 'timeout' }));
    socket.on('connect', () => end('connected'));
    socket.on('error', (error) => end({ refused: error.code }));
    socket.on('close', () => end({ refused: 'closed' }));
  });

const deeds = {
  loop() {
    for (;;);
  },
  heap() {
    const kept = [];
    for (;;) kept.push(new Array(1e6).fill({ a: 1 }));
  },
  buffers({ step = 16 }) {
    const kept = [];
    for (;;) kept.push(Buffer.alloc(step << 20, 1));
  },
  async children() {
    // Each of them is small; together they are not.
    const code = 'const b = Buffer.alloc(96 << 20, 1); setInterval(() => b[0], 1000)';
    for (let i = 0; i < 12; i += 1) spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
    await new Promise(() => {});
  },
  async fork() {
    spawn('bash', ['-c', 'bomb() { bomb | bomb & }; bomb; wait'], { stdio: 'ignore' });
    await new Promise(() => {});
  },
  async burn() {
    for (let i = 0; i < 12; i += 1) {
      spawn('bash', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
    }
    await new Promise(() => {});
  },
  weight({ ms }) {
    const end = Date.now() + ms;
    while (Date.now() < end);
    const session = attempt(() => fs.readFileSync('/proc/self/autogroup', 'utf8'));
    const nice = /nice (-?\d+)/.exec(session);
    return Math.max(os.getPriority(), nice ? Number(nice[1]) : 0);
  },
  async processors({ ms }) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return os.availableParallelism();
  },
  leave() {
    // Goes on when the call is over.
    spawn('bash', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
    return 'left';
  },
  haunt() {
    // A program that asks the platform again and again, in the name of whoever calls just then.
    const socketPath = path.join(__dirname, '..', 's');
    const env = process.env.SCF_NAMESPACE;
    const body = {
      action: 'functions.invokeFunction',
      dataVersion: '2020-01-10',
      envName: env,
      function_name: 'who',
      request_data: '{}',
    };
    const code = `
      const http = require('http'), fs = require('fs')
      const ask = () => {
        const headers = { 'content-type': 'application/json' }
        const options = { socketPath: ${JSON.stringify(socketPath)}, method: 'POST', headers,
          path: '/admin?env=${env}' }
        const again = (text) => {
          fs.appendFileSync('/tmp/heard', text.replaceAll('\\n', ' ') + '\\n')
          setTimeout(ask, 20)
        }
        const request = http.request(options, (response) => {
          let text = ''
          response.on('data', (part) => { text += part }).on('end', () => again(text))
        })
        request.on('error', (error) => again(error.message))
        request.end(${JSON.stringify(JSON.stringify(body))})
      }
      ask()`;
    spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
    return 'haunted';
  },
  async listen({ lines }) {
    const heard = () => {
      const text = attempt(() => fs.readFileSync('/tmp/heard', 'utf8'));
      return typeof text === 'string' ? text.split('\n').filter(Boolean) : [];
    };
    const before = heard().length;
    while (heard().length < before + lines) await new Promise((resolve) => setTimeout(resolve, 20));
    return heard().slice(before);
  },
  exit: ({ code }) => process.exit(code),
  abort: () => process.abort(),
  kill: () => process.kill(process.pid, 'SIGKILL') && new Promise(() => {}),
  async reject() {
    Promise.reject(new Error('nobody listens'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    return 'still here';
  },
  async close() {
    fs.closeSync(3);
    await new Promise(() => {});
  },
  async garbage() {
    fs.writeSync(3, Buffer.alloc(4096, 0xa5));
    await new Promise(() => {});
  },
  async frame() {
    // A frame that is well formed and says that a call is over which is somebody else's.
    const text = '{"t":"result"}\n"forged"';
    const frame = Buffer.alloc(8 + text.length);
    frame.writeUInt32LE(text.length, 0);
    frame.writeUInt32LE(0xffff, 4);
    frame.write(text, 8);
    fs.writeSync(3, frame);
    await new Promise(() => {});
  },
  logs({ megabytes = 100 }) {
    const line = 'x'.repeat(1023);
    for (let i = 0; i < megabytes * 1024; i += 1) console.log(line);
    return 'logged';
  },
  output() {
    const { status } = spawnSync('bash', ['-c', 'yes | head -c 104857600'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    return { status };
  },
  read: ({ paths }) =>
    Object.fromEntries(
      paths.map((name) => [
        name,
        attempt(() =>
          fs.statSync(name).isDirectory() ? fs.readdirSync(name) : fs.readFileSync(name, 'utf8'),
        ),
      ]),
    ),
  processes() {
    const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const lines = pids.map((pid) => attempt(() => fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
    return { pids, lines, parent: process.ppid, pid: process.pid };
  },
  signal: ({ pid }) => attempt(() => process.kill(pid, 'SIGKILL')),
  folders: () => ({
    code: __dirname,
    tmp: os.tmpdir(),
    around: attempt(() => fs.readdirSync(path.join(__dirname, '..', '..'))),
    own: attempt(() => fs.writeFileSync(path.join(__dirname, 'index.js'), '')),
    other: attempt(() => fs.writeFileSync('/tmp/left-behind', 'x')),
    left: fs.readdirSync('/tmp'),
  }),
  fill() {
    const file = path.join(os.tmpdir(), 'full');
    const block = Buffer.alloc(8 << 20);
    let written = 0;
    const stopped = attempt(() => {
      for (let i = 0; i < 1024; i += 1) {
        fs.appendFileSync(file + (i % 16), block);
        written += 8;
      }
    });
    return { written, ...stopped };
  },
  open() {
    const kept = [];
    return attempt(() => {
      for (let i = 0; i < 100000; i += 1) kept.push(fs.openSync('/dev/null'));
    });
  },
  connect: ({ to }) => connect(to),
  pollute: (event) => ({
    polluted: {}.polluted ?? null,
    own: Object.hasOwn(event, '__proto__'),
    keys: Object.keys(event).filter((key) => key !== 'userInfo' && key !== 'tcbContext'),
    plain: Object.getPrototypeOf(event) === Object.prototype,
  }),
  environment: () => process.env,
  async api({ host }) {
    const response = await fetch(`http://${host}/_api/functions?env=${process.env.SCF_NAMESPACE}`);
    return { status: response.status, text: await response.text() };
  },
};

exports.main = (event) => deeds[event.how](event);
