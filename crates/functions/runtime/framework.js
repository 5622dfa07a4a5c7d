/**
 * Functions in the style of the vendor's "functions framework" (protocol 02 §4.6): an exported
 * `main(event, context)` behind an HTTP server. The event is the parsed body of the request, what
 * is returned becomes the answer, `context.sse()` turns the answer into a stream of events.
 *
 * WebSockets of this style (`handleUpgrade`) are not served.
 */
'use strict'

const { EventEmitter } = require('node:events')
const { randomUUID } = require('node:crypto')
const fs = require('node:fs')
const http = require('node:http')
const os = require('node:os')
const path = require('node:path')
const { Readable } = require('node:stream')

const PARSED_METHODS = new Set(['POST', 'PUT', 'PATCH'])
const HEARTBEAT_MS = 3000
const BODY_BYTES_MAX = 100 * 1024 * 1024

/** Serves what `find(path)` gives, `(event, context) => …` or nothing. */
function listen(find, port) {
  http
    .createServer((request, response) => {
      answer(find, request, response).catch((error) => refuse(response, 500, 'SYS_ERR', error))
    })
    .listen(port, '0.0.0.0')
}

async function answer(find, request, response) {
  const url = new URL(request.url, `http://${request.headers.host ?? 'localhost'}`)
  if (request.method === 'HEAD' && url.pathname === '/_healthz') return void response.end()
  const run = find(url.pathname)
  if (run === null) return void send(response, 404, 'text/plain; charset=utf-8', 'Not Found')
  let event
  try {
    event = await eventOf(request)
  } catch (error) {
    return refuse(response, 400, 'BAD_REQUEST', error)
  }
  const { context, streaming, close } = contextOf(request, response, url)
  try {
    const result = await run(event, context)
    close()
    if (streaming() === null) reply(response, result)
  } catch (error) {
    close()
    const sse = streaming()
    if (sse === null) return refuse(response, 500, 'SYS_ERR', error)
    console.error(error)
    const { message } = error ?? {}
    sse.end({ event: 'error', data: message, comment: 'uncaught-exception-from-user-code' })
  }
}

/** The body by its content type; what is of no known type stays a buffer. */
async function eventOf(request) {
  const body = await bodyOf(request)
  const type = String(request.headers['content-type'] ?? '')
  const [kind] = type.toLowerCase().split(';', 1)
  if (!PARSED_METHODS.has(request.method)) return body
  if (/^application\/([\w.-]+\+)?json$/.test(kind)) {
    return body.length === 0 ? {} : JSON.parse(body.toString())
  }
  if (kind === 'application/x-www-form-urlencoded') {
    return grouped(new URLSearchParams(body.toString()))
  }
  if (kind === 'multipart/form-data') return formOf(body, type)
  return kind.startsWith('text/') ? body.toString() : body
}

async function bodyOf(request) {
  const chunks = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new Error('the body is over 100 MB / 请求体超过 100 MB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** What stands several times is a list. */
function grouped(pairs) {
  const event = {}
  for (const [name, value] of pairs) {
    event[name] = Object.hasOwn(event, name) ? [event[name], value].flat() : value
  }
  return event
}

/** Fields, and files as the vendor's parser describes them: written to the scratch folder. */
async function formOf(body, type) {
  const form = await new Response(body, { headers: { 'content-type': type } }).formData()
  const pairs = []
  for (const [name, value] of form) {
    if (typeof value === 'string') {
      pairs.push([name, value])
      continue
    }
    const newFilename = randomUUID()
    const filepath = path.join(os.tmpdir(), newFilename)
    await fs.promises.writeFile(filepath, Buffer.from(await value.arrayBuffer()))
    const { name: originalFilename, type: mimetype, size } = value
    pairs.push([name, { filepath, newFilename, originalFilename, mimetype, size }])
  }
  return grouped(pairs)
}

function contextOf(request, response, url) {
  const { headers } = request
  const eventID = headers['x-cloudbase-request-id'] ?? headers['x-request-id'] ?? randomUUID()
  let sse = null
  let closed = false
  const context = {
    ctxId: eventID,
    eventID,
    eventType: 'http',
    timestamp: new Date().toISOString(),
    httpContext: { url: String(url), httpMethod: request.method, headers: { ...headers } },
    extendedContext: extendedContextOf(headers),
    sse(options = {}) {
      if (sse !== null) return sse
      if (closed || response.headersSent) return null
      sse = new ServerSentEvents(response, options)
      return sse
    },
  }
  for (const part of [context.httpContext.headers, context.httpContext, context]) {
    Object.freeze(part)
  }
  const close = () => {
    closed = true
  }
  return { context, streaming: () => sse, close }
}

/** Who asks, as the platform has verified it. */
function extendedContextOf(headers) {
  const source = headers['x-wx-source']
  const openId = headers['x-wx-openid']
  const context = { envId: headers['x-wx-env'], source, userId: headers['x-yunkai-uid'] }
  if (openId !== undefined) {
    const [appId, unionId] = [headers['x-wx-appid'], headers['x-wx-unionid']]
    context.wechatContext = { callId: headers['x-request-id'], source, appId, openId, unionId }
  }
  return context
}

function reply(response, result) {
  const isIntegrated = typeof result?.statusCode === 'number' && typeof result.headers === 'object'
  if (!isIntegrated) return body(response, result ?? null, result === undefined ? 204 : 200)
  for (const [name, value] of Object.entries(result.headers ?? {})) response.setHeader(name, value)
  body(response, result.body ?? null, result.statusCode)
}

function body(response, value, status) {
  if (value === null) {
    response.statusCode = status === 200 ? 204 : status
    response.end()
  } else if (value instanceof Readable) {
    response.statusCode = status
    value.on('error', (error) => response.destroy(error)).pipe(response)
  } else if (typeof value === 'string') {
    const type = /^\s*</.test(value) ? 'text/html' : 'text/plain'
    send(response, status, `${type}; charset=utf-8`, value)
  } else if (ArrayBuffer.isView(value)) {
    send(response, status, 'application/octet-stream', value)
  } else {
    send(response, status, 'application/json; charset=utf-8', JSON.stringify(value))
  }
}

function send(response, status, type, content) {
  response.statusCode = status
  if (!response.hasHeader('content-type')) response.setHeader('content-type', type)
  response.end(content)
}

function refuse(response, status, code, error) {
  console.error(error)
  if (response.headersSent) return void response.destroy()
  const message = code === 'SYS_ERR' ? 'System Error.' : String(error?.message ?? error)
  const requestId = response.req.headers['x-request-id']
  const text = JSON.stringify({ code, message, requestId })
  send(response, status, 'application/json; charset=utf-8', text)
}

/** The answer as a stream of events. */
class ServerSentEvents extends EventEmitter {
  constructor(response, options) {
    super()
    this.closed = false
    Object.defineProperty(this, 'response', { value: response })
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      ...options.headers,
    })
    response.flushHeaders()
    const beat = () => this.send(Buffer.from(': heartbeat\n\n'))
    const timer = options.keepalive === false ? null : setInterval(beat, HEARTBEAT_MS)
    response.once('close', () => {
      clearInterval(timer)
      if (!this.closed) this.emit('close')
      this.closed = true
    })
  }

  /** One event or several: `{data, event, id, retry, comment}`, or text and bytes as they are. */
  send(events) {
    if (this.closed) return false
    const chunks = [events].flat().map((event) => (isPlain(event) ? framed(event) : event))
    return this.response.write(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk ?? ''))))
  }

  end(events) {
    if (this.closed) return
    if (events !== undefined) this.send(events)
    this.closed = true
    this.response.end()
  }
}

function isPlain(value) {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)
}

function framed(event) {
  const lines = []
  if ('comment' in event) lines.push(`: ${event.comment}`)
  for (const name of ['event', 'id', 'retry']) {
    if (name in event) lines.push(`${name}: ${event[name]}`)
  }
  if ('data' in event) {
    const data = isPlain(event.data) ? JSON.stringify(event.data) : String(event.data)
    for (const line of data.split(/[\r\n]+/)) lines.push(`data: ${line}`)
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n\n`
}

module.exports = { listen }
