/**
 * A function with an HTTP server of its own (protocol 02 §4.7): its program is run in this process,
 * and what it would listen on a port for arrives on lanes, connections that the worker opens to the
 * platform. No port is opened. Each request runs in a store of its own, so that what it asks of the
 * platform carries the identity of its caller.
 */
'use strict'

const fs = require('node:fs')
const Module = require('node:module')
const net = require('node:net')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

const HEADER = 'x-yunkai-invocation'
const REQUEST = 'x-yunkai-request'
/** The port that the vendor's functions listen on. */
const PORT = 9000
/** Lanes that wait for requests. */
const SPARE = 4
const LISTEN_MS_MAX = 20_000

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
    this.waiting = 0
    this.id = null
  }

  /** Runs the program, once; resolves when it listens. */
  start(root, file) {
    this.started ??= this.#start(root, file)
    return this.started
  }

  /** Answers requests under this invocation until the platform has no more. */
  serve(invocation) {
    this.id = invocation.requestId
    for (let count = this.waiting; count < SPARE; count += 1) this.#open()
    return new Promise((resolve) => {
      const lane = this.#connect('/_lane?end', () => lane.resume())
      lane.on('close', () => {
        this.id = null
        resolve(null)
      })
    })
  }

  async #start(root, file) {
    process.env.PORT ??= String(PORT)
    const listening = new Promise((resolve) => this.#catch(resolve))
    const program = find(root, file)
    Object.assign(process.env, program.env)
    process.chdir(program.folder)
    process.argv = [process.execPath, program.file, ...program.values]
    await load(program.file)
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

  #open() {
    this.waiting += 1
    let begun = false
    const leave = () => {
      if (begun) return
      begun = true
      this.waiting -= 1
    }
    const socket = this.#connect('/_lane', (first) => {
      leave()
      if (this.id !== null) this.#open()
      Object.defineProperty(socket, 'remoteAddress', { value: '127.0.0.1' })
      socket.unshift(first)
      this.server.emit('connection', socket)
      process.nextTick(() => socket.resume())
    })
    socket.on('close', leave)
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

/** As Node runs a program: its module is the main one. */
async function load(file) {
  try {
    Module._load(file, null, true)
  } catch (error) {
    if (!['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'].includes(error?.code)) throw error
    await import(pathToFileURL(file).href)
  }
}

/** The program of a package: what `scf_bootstrap` starts, else the file of the handler. */
function find(root, file) {
  const script = path.join(root, 'scf_bootstrap')
  const program = { folder: root, file: null, values: [], env: {}, root }
  if (fs.existsSync(script)) {
    read(program, fs.readFileSync(script, 'utf8'), 'scf_bootstrap')
    if (program.file === null)
      throw new Error('scf_bootstrap starts no Node.js program / 未启动程序')
    return program
  }
  program.file = ['.js', '.cjs', '.mjs', '/index.js', '']
    .map((end) => path.join(root, file + end))
    .find((candidate) => fs.statSync(candidate, { throwIfNoEntry: false })?.isFile())
  return program
}

/**
 * The few things that start scripts do: variables, `cd`, `node FILE`, `npm start`. There is no
 * shell: the vendor's paths of Node do not exist here, and a second process would be outside of
 * what the worker knows.
 */
function read(program, text, name) {
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    for (const command of line.split(/&&|;/)) {
      const words = split(command, program.env)
      if (words.length > 0 && !perform(program, words)) {
        throw new Error(
          `${name}, line ${at + 1}: only variables, cd, node and npm start are understood, not ` +
            `"${words.join(' ')}" / ${name} 第 ${at + 1} 行:仅支持变量、cd、node 与 npm start`,
        )
      }
    }
  }
}

/** Words as a shell takes them apart: quotes, comments and variables, nothing more. */
function split(command, env) {
  const variable = (_, braced, bare) => env[braced ?? bare] ?? process.env[braced ?? bare] ?? ''
  const fill = (text) => text.replace(/\$\{(\w+)\}|\$(\w+)/g, variable)
  const words = []
  for (const [word] of command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)) {
    if (word.startsWith('#')) break
    const parts = word.matchAll(/'([^']*)'|"([^"]*)"|([^'"]+)/g)
    words.push(
      [...parts].map(([, single, double, plain]) => single ?? fill(double ?? plain)).join(''),
    )
  }
  return words
}

function perform(program, words) {
  while (words.length > 0 && (/^\w+=/.test(words[0]) || ['export', 'exec'].includes(words[0]))) {
    const word = words.shift()
    const at = word.indexOf('=')
    if (at > 0) program.env[word.slice(0, at)] = word.slice(at + 1)
  }
  if (words.length === 0 || words[0] === 'set') return true
  const [command, ...values] = words
  if (command === 'cd') {
    program.folder = path.resolve(program.folder, values[0] ?? '.')
    return true
  }
  if (path.basename(command) === 'npm') return performScript(program, values)
  if (path.basename(command) !== 'node') return false
  while (values[0]?.startsWith('-')) {
    if (/^(-r|--require|--import)$/.test(values.shift())) values.shift()
  }
  if (values.length === 0) return false
  program.file = require.resolve(path.resolve(program.folder, values.shift()))
  program.values = values
  return true
}

function performScript(program, values) {
  const script = values[0] === 'run' ? values[1] : values[0]
  const manifest = JSON.parse(fs.readFileSync(path.join(program.folder, 'package.json'), 'utf8'))
  const command = manifest.scripts?.[script]
  if (command === undefined) return false
  read(program, command, `package.json, scripts.${script}`)
  return true
}

module.exports = { Server }
