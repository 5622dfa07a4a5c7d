/**
 * A function with an HTTP server of its own (protocol 02 §4.7): its program is run in this process,
 * and what it would listen on a port for arrives on lanes, connections that the worker opens to the
 * platform. No port is opened. Each request runs in a store of its own, so that what it asks of the
 * platform carries the identity of its caller.
 */
'use strict'

const net = require('node:net')
const framework = require('./framework.js')
const { find, load, manyOf } = require('./program.js')

const HEADER = 'x-yunkai-invocation'
const REQUEST = 'x-yunkai-request'
/** The port that the vendor's functions listen on. */
const PORT = 9000
/** Lanes that wait for requests. */
const SPARE = 4
const LISTEN_MS_MAX = 20_000
/** A lane that was closed unused is opened again after this time. */
const LANE_AGAIN_MS = 20

/** A request of the server, as far as logs and requests to the platform need to know it. */
class Request {
  constructor(serving, token) {
    this.requestId = serving
    this.token = token
    this.pending = 0
    this.onQuiet = null
    this.logLines = 0
    this.logChars = 0
    this.logCut = false
  }
}

class Server {
  /** `store` keeps whose code runs; `socketPath` leads to the platform. */
  constructor({ store, socketPath }) {
    this.store = store
    this.socketPath = socketPath
    this.server = null
    this.started = null
    this.listens = false
    this.id = null
  }

  /** Runs the program, once; resolves when it listens. */
  start({ root, file, name }) {
    this.started ??= this.#start(root, file, name)
    return this.started
  }

  /** Answers requests under this invocation until the platform has no more. */
  serve(invocation) {
    this.id = invocation.requestId
    // Lanes of an invocation before may be closing still: they are none of this one's.
    for (let count = 0; count < SPARE; count += 1) this.#open(this.id)
    return new Promise((resolve) => {
      const lane = this.#connect('/_lane?end', () => lane.resume())
      lane.on('close', () => {
        this.id = null
        resolve(null)
      })
    })
  }

  async #start(root, file, name) {
    process.env.PORT ??= String(PORT)
    const listening = new Promise((resolve) => this.#catch(resolve))
    const program = find(root, file)
    Object.assign(process.env, program.env)
    process.chdir(program.folder)
    process.argv = [process.execPath, program.file ?? program.folder, ...program.values]
    const port = Number(process.env.PORT)
    if (program.many) {
      framework.listen(await manyOf(program.folder), port)
    } else {
      const loaded = await load(program.file)
      const main = loaded?.[name] ?? loaded?.default?.[name]
      // A program that listens by itself may export whatever it likes.
      const isStyled = program.mayBeStyled && typeof main === 'function' && !this.listens
      if (isStyled) framework.listen(() => main, port)
    }
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(silent()), LISTEN_MS_MAX)
    })
    await Promise.race([listening, late])
    clearTimeout(timer)
  }

  /** The first server that listens on the port, or on any, is the function's. */
  #catch(resolve) {
    const listen = net.Server.prototype.listen
    const own = this
    net.Server.prototype.listen = function (...values) {
      const [options, done] = net._normalizeArgs(values)
      if (typeof options.path === 'string' || options.fd >= 0) return listen.apply(this, values)
      const port = Number(options.port) || PORT
      if (typeof done === 'function') this.once('listening', done)
      own.listens = true
      const handle = pretended(port)
      this._handle = handle
      process.nextTick(() => {
        if (this._handle !== handle) return
        this.emit('listening')
        const wanted = port === Number(process.env.PORT)
        if (own.server === null || (wanted && !own.wanted)) {
          own.wanted = wanted
          own.#adopt(this)
        }
        resolve()
      })
      return this
    }
  }

  #adopt(server) {
    this.server = server
    const { store } = this
    const emit = server.emit
    const serving = () => this.id
    server.emit = function (type, message, ...rest) {
      const token = message?.headers?.[REQUEST]
      if (token === undefined) return emit.call(this, type, message, ...rest)
      delete message.headers[REQUEST]
      const request = new Request(serving(), token)
      return store.run(request, () => emit.call(this, type, message, ...rest))
    }
  }

  /** A lane that waits for a request of this serving; another one takes its place when it goes. */
  #open(serving) {
    let begun = false
    const socket = this.#connect('/_lane', (first) => {
      begun = true
      if (this.id === serving) this.#open(serving)
      Object.defineProperty(socket, 'remoteAddress', { value: '127.0.0.1' })
      socket.unshift(first)
      this.server.emit('connection', socket)
      process.nextTick(() => socket.resume())
    })
    socket.on('close', () => {
      if (begun) return
      setTimeout(() => this.id === serving && this.#open(serving), LANE_AGAIN_MS)
    })
  }

  /** A connection that the platform may use; `begin` gets the first bytes, the socket paused. */
  #connect(target, begin) {
    const socket = net.connect({ path: this.socketPath })
    const lines = [
      `GET ${target} HTTP/1.1`,
      'host: yunkai.internal',
      'connection: Upgrade',
      'upgrade: yunkai-lane',
      `${HEADER}: ${this.id}`,
    ]
    socket.on('error', () => {})
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    let head = Buffer.alloc(0)
    const read = (chunk) => {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      if (!head.subarray(0, end).toString().startsWith('HTTP/1.1 101')) return void socket.destroy()
      const rest = head.subarray(end + 4)
      if (rest.length === 0) {
        head = Buffer.concat([head.subarray(0, end + 4)])
        return
      }
      socket.removeListener('data', read)
      socket.pause()
      begin(rest)
    }
    socket.on('data', read)
    return socket
  }
}

/** What Node asks of the handle of a server that listens. */
function pretended(port) {
  return {
    close(done) {
      if (typeof done === 'function') setImmediate(done)
    },
    ref() {},
    unref() {},
    getAsyncId: () => 0,
    getsockname(address) {
      Object.assign(address, { address: '0.0.0.0', family: 'IPv4', port })
      return 0
    },
  }
}

function silent() {
  return new Error(
    `the program does not listen on port ${PORT} (or PORT) / 程序未监听 ${PORT} 端口(或 PORT)`,
  )
}

module.exports = { Server }
