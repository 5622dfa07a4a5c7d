/**
 * Requests that function code makes to the platform: sent over the worker's private socket, marked
 * with the invocation that made them, and counted until they are answered.
 *
 * It replaces three functions of Node (socket connect, TLS connect, the writing of an HTTP
 * header), because SDKs are used unmodified and none lets every host be configured. It is a
 * convenience, not a boundary: what a function may reach is decided outside the process.
 */
'use strict'

const diagnostics = require('node:diagnostics_channel')
const http = require('node:http')
const net = require('node:net')
const tls = require('node:tls')
const { Gate } = require('./gate.js')

const HEADER = 'x-yunkai-invocation'
const OWNER = Symbol('invocation')
const COUNTED = Symbol('counted')

/** Hosts that SDKs of several generations have built in (protocol 01 §2). */
const VENDOR_HOSTS = new Set([
  'tcb-admin.tencentyun.com',
  'tcb-open.tencentyun.com',
  'tcb-admin.tencentcloudapi.com',
])
const VENDOR_SUFFIXES = [
  'tcb-api.tencentcloudapi.com',
  'api.tcloudbasegateway.com',
  'apigateway.tencentyun.com',
]
/** Existing back ends that the project names: `NAME.services.internal`. */
const SERVICE_SUFFIX = '.services.internal'
/** Asked by SDKs whether they run in the vendor's data centre. */
const METADATA_HOST = 'metadata.tencentyun.com'

/** `owner()` gives the invocation of the running code, or the one at work, and which it is. */
function redirect({ hosts, socketPath, hasGate, reach, owner }) {
  const known = new Set(hosts.map((host) => host.toLowerCase()))
  const isOurs = (host, port) => {
    const name = String(host ?? 'localhost').toLowerCase()
    if (known.has(name) || known.has(`${name}:${port}`) || VENDOR_HOSTS.has(name)) return true
    if (name.endsWith(SERVICE_SUFFIX)) return true
    return VENDOR_SUFFIXES.some((suffix) => name === suffix || name.endsWith(`.${suffix}`))
  }
  patchConnect(isOurs, socketPath, reach, hasGate)
  patchTls(isOurs, socketPath)
  patchHttp(isOurs, owner)
  watchFetch(isOurs, owner)
}

function patchConnect(isOurs, socketPath, reach, hasGate) {
  const connect = net.Socket.prototype.connect
  const gate = hasGate ? new Gate(connect) : null
  net.Socket.prototype.connect = function (...values) {
    const [options, done] = optionsOf(values)
    if (!options || typeof options.path === 'string') return connect.apply(this, values)
    if (isOurs(options.host, options.port)) return connect.call(this, { path: socketPath }, done)
    const host = String(options.host ?? 'localhost').toLowerCase()
    if (host === METADATA_HOST) return refuse(this, host, null)
    const closed = (address) => reach.refuses(host, String(address), options.port)
    const isAddress = net.isIP(host) !== 0
    const rule = isAddress || host === 'localhost' ? closed(isAddress ? host : '127.0.0.1') : null
    if (rule) return refuse(this, host, rule)
    gate?.guard()
    if (!isAddress) {
      this.once('lookup', (_error, address) => {
        const rule = address && closed(address)
        if (rule) refuse(this, host, rule)
      })
    }
    return connect.apply(this, values)
  }
}

/** The forms of `socket.connect`: options, (port, host), path, or Node's own normalised pair. */
function optionsOf(values) {
  if (Array.isArray(values[0])) return [values[0][0], values[0][1]]
  const last = values[values.length - 1]
  const done = typeof last === 'function' ? last : undefined
  if (values[0] !== null && typeof values[0] === 'object') return [values[0], done]
  if (typeof values[0] === 'string' && !/^\d+$/.test(values[0])) return [null, done]
  const host = typeof values[1] === 'string' ? values[1] : undefined
  return [{ port: values[0], host }, done]
}

/** Without a rule there is no such place. */
function refuse(socket, host, rule) {
  const code = rule ? 'EACCES' : 'ECONNREFUSED'
  const why = rule
    ? `this function may not connect to ${host}: ${rule[0]} / 云函数不能连接 ${host}:${rule[1]}`
    : `${host} does not exist here / 此处没有 ${host}`
  const error = new Error(`connect ${code} ${host}: ${why}`)
  Object.assign(error, { code, syscall: 'connect' })
  process.nextTick(() => socket.destroy(error))
  return socket
}

/** The private socket speaks plain HTTP: for our own hosts there is nobody to encrypt against. */
function patchTls(isOurs, socketPath) {
  const connect = tls.connect
  tls.connect = function (...values) {
    const [options, done] = optionsOf(values)
    const isOptions = (value) => value && typeof value === 'object' && !Array.isArray(value)
    const merged = values.find(isOptions)
    const host = merged?.host ?? options?.host ?? merged?.servername
    const port = merged?.port ?? options?.port
    if (merged?.socket || merged?.path || !isOurs(host, port)) return connect.apply(this, values)
    const socket = net.connect({ path: socketPath })
    Object.assign(socket, {
      encrypted: true,
      authorized: true,
      authorizationError: null,
      alpnProtocol: false,
      getPeerCertificate: () => ({}),
      getCipher: () => ({ name: 'none', version: 'none' }),
      getProtocol: () => 'none',
      getSession: () => undefined,
      isSessionReused: () => false,
    })
    if (done) socket.once('secureConnect', done)
    socket.once('connect', () => socket.emit('secureConnect'))
    return socket
  }
}

function patchHttp(isOurs, owner) {
  // Who makes the request is known best where it is made; an agent may send it later.
  const addRequest = http.Agent.prototype.addRequest
  http.Agent.prototype.addRequest = function (request, ...values) {
    request[OWNER] ??= owner()
    return addRequest.call(this, request, ...values)
  }
  const storeHeader = http.ClientRequest.prototype._storeHeader
  http.ClientRequest.prototype._storeHeader = function (firstLine, headers) {
    const host = splitHost(this.getHeader('host') ?? hostIn(headers))
    if (isOurs(this.host, host.port) || isOurs(host.name, host.port)) {
      this[OWNER] ??= owner()
      const by = this[OWNER]
      count(this, by.invocation)
      this.once('close', () => uncount(this))
      if (by.certain) headers = withHeader(headers, nameOf(by.invocation))
    }
    return storeHeader.call(this, firstLine, headers)
  }
}

function splitHost(text) {
  const match = /^(.*?)(?::(\d+))?$/.exec(String(text ?? ''))
  return { name: match[1], port: match[2] ?? '80' }
}

function hostIn(headers) {
  if (!Array.isArray(headers)) return headers?.host?.[1]
  const flat = headers.flat()
  const at = flat.findIndex((name, index) => index % 2 === 0 && /^host$/i.test(name))
  return at < 0 ? undefined : flat[at + 1]
}

/**
 * Node keeps a client's headers as {lower: [name, value]}, [[name, value]…] or [name, value, …].
 * The first is recognised by its identity, so it is added to in place: a copy would be read as
 * {name: value} and every header sent twice.
 */
function withHeader(headers, value) {
  if (Array.isArray(headers)) {
    return Array.isArray(headers[0]) ? [...headers, [HEADER, value]] : [...headers, HEADER, value]
  }
  headers[HEADER] = [HEADER, value]
  return headers
}

/** `fetch`, and undici from npm, announce their requests on channels of the same names. */
function watchFetch(isOurs, owner) {
  diagnostics.subscribe('undici:request:create', ({ request }) => {
    const url = URL.canParse(String(request.origin)) ? new URL(String(request.origin)) : null
    if (!url) return
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    if (!isOurs(url.hostname, port)) return
    const by = owner()
    count(request, by.invocation)
    if (by.certain) request.addHeader(HEADER, nameOf(by.invocation))
  })
  for (const name of ['undici:request:trailers', 'undici:request:error']) {
    diagnostics.subscribe(name, ({ request }) => uncount(request))
  }
}

/** A request of a function's own server goes by a name of its own. */
function nameOf(invocation) {
  return invocation.token ?? invocation.requestId
}

/** Requests of all invocations that are on their way. */
let underWay = 0

function count(request, invocation) {
  if (!invocation || request[COUNTED]) return
  request[COUNTED] = invocation
  invocation.pending += 1
  underWay += 1
}

function uncount(request) {
  const invocation = request[COUNTED]
  if (!invocation) return
  request[COUNTED] = null
  invocation.pending -= 1
  underWay -= 1
  if (invocation.pending === 0) invocation.onQuiet?.()
}

module.exports = { redirect, requestsUnderWay: () => underWay }
