/**
 * One call of a handler: its context, the ways it may end, and its result as JSON text.
 *
 * The contract is the vendor's (protocol 02 §3.1, §3.2): a value, a promise, `callback(err, data)`
 * or `context.done/succeed/fail`; a throw of anything; `undefined` is `null`. A call that returned
 * `undefined` without a promise ends when it called back or when nothing is left to happen.
 */
'use strict'

const RESULT_BYTES_MAX = 6 * 1024 * 1024
const TEXT_CHARS_MAX = 64 * 1024
const { stringify } = JSON
const { byteLength } = Buffer

class Invocation {
  /** `end(head, body)` is called exactly once; `loop` waits for the event loop to be empty. */
  constructor({ id, requestId, variables }, end, loop) {
    this.id = id
    this.requestId = requestId
    this.variables = variables
    this.end = end
    this.loop = loop
    /** Requests to the platform on their way. */
    this.pending = 0
    this.onQuiet = null
    this.done = false
    /** It waits for something, and nobody behind it. */
    this.lasts = false
    this.logLines = 0
    this.logChars = 0
    this.logCut = false
    this.held = null
    this.waitsForLoop = true
  }

  /** Runs the handler. */
  run(handler, event, about) {
    this.about = about
    const callback = (error, data) => this.#hold(error, data)
    try {
      const value = handler(event, contextOf(this, about), callback)
      if (typeof value?.then === 'function') {
        value.then(
          (data) => this.#settle(null, data),
          (error) => this.fail(error),
        )
      } else if (value !== undefined) {
        this.#settle(null, value)
      } else if (!this.done) {
        this.loop.whenEmpty(() => this.#settle(null, undefined))
      }
    } catch (error) {
      this.fail(error)
    }
  }

  /** The call ends with an error. */
  fail(error, more) {
    if (this.done) return
    this.done = true
    this.end({ t: 'error', kind: 'threw', ...describe(error), ...more }, '')
  }

  /** `callback`: the first one counts; it waits for an empty event loop unless told otherwise. */
  #hold(error, data) {
    if (this.held !== null || this.done) return
    this.held = { error, data }
    if (!this.waitsForLoop) this.#settle(error, data)
  }

  #settle(error, data) {
    if (this.done) return
    const outcome = this.held ?? { error, data }
    if (outcome.error !== null && outcome.error !== undefined) return this.fail(outcome.error)
    let text
    try {
      text = stringify(outcome.data) ?? 'null'
    } catch (reason) {
      return this.fail(unserialisable(reason))
    }
    const bytes = text.length * 3 > RESULT_BYTES_MAX ? byteLength(text) : 0
    if (bytes > RESULT_BYTES_MAX) {
      this.done = true
      const message = 'body size is too long'
      return this.end({ t: 'error', kind: 'too_large', message, bytes }, '')
    }
    this.done = true
    this.end({ t: 'result' }, text)
  }

  /** The variables of this call and of its function, as `context.environment` gives them. */
  get environment() {
    this.text ??= stringify({ ...this.about.variables, ...this.variables })
    return this.text
  }

  /** The first outcome was given and waits; nothing is waited for any longer. */
  set waits(value) {
    this.waitsForLoop = Boolean(value)
    if (!this.waitsForLoop && this.held) this.#settle(null, undefined)
  }

  /** `context.done`, and what calls it. */
  finish(error, data) {
    this.waitsForLoop = false
    this.#hold(error, data)
  }
}

/** Which call a context belongs to. */
const CALL = Symbol('call')
/** What is computed when it is read. The functions are the same for all contexts: a V8 object with
 * accessors of its own has a hidden class of its own, which lives, with all it leads to, until the
 * next collection of old objects. */
const COMPUTED = {
  callbackWaitsForEmptyEventLoop: {
    get() {
      return this[CALL].waitsForLoop
    },
    set(value) {
      this[CALL].waits = value
    },
    enumerable: true,
    configurable: true,
  },
  // A JSON string, which the SDK prefers to `environ` (protocol 02 §3.2).
  environment: {
    get() {
      return this[CALL].environment
    },
    enumerable: true,
    configurable: true,
  },
}

function contextOf(call, about) {
  const context = {
    getContext: () => ({
      ...about.fields,
      request_id: call.requestId,
      environment: context.environment,
    }),
    done: (error, data) => call.finish(error, data),
    succeed: (data) => call.finish(null, data),
    fail: (error) => call.finish(error ?? new Error('context.fail() / 云函数主动失败'), null),
    ...about.fields,
    request_id: call.requestId,
  }
  Object.defineProperty(context, CALL, { value: call })
  Object.defineProperties(context, COMPUTED)
  return context
}

/** Message and stack of anything that can be thrown. */
function describe(error) {
  try {
    if (error instanceof Error || (error && typeof error.stack === 'string')) {
      const root = `${process.env.USER_CODE_ROOT ?? ''}`
      const clean = (text) => clip(root.length > 1 ? text.replaceAll(root, '') : text)
      const { message, stack } = error
      return { message: clean(ownLines(String(message))), stack: clean(ownLines(String(stack))) }
    }
    const isObject = error !== null && typeof error === 'object'
    return { message: clip(isObject ? stringify(error) : String(error)), stack: '' }
  } catch {
    return { message: 'an error that cannot be shown / 无法显示的错误', stack: '' }
  }
}

/**
 * A stack, or the list of who required what, without the platform's own lines, and without frames
 * of Node's below them.
 */
function ownLines(text) {
  if (!text.includes(__dirname)) return text
  const isFrame = (line) => /^ +at /.test(line)
  const isOurs = (line) => (isFrame(line) || line.startsWith('- ')) && line.includes(__dirname)
  const own = text.split('\n').filter((line) => !isOurs(line))
  while (isFrame(own.at(-1)) && own.at(-1).includes('node:')) own.pop()
  return own.join('\n')
}

function clip(text) {
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX)}…`
}

function unserialisable(reason) {
  const error = new Error(
    `The result cannot be turned into JSON: ${reason?.message}. Return plain data. / ` +
      `返回值无法转换为 JSON:${reason?.message}。请返回普通数据。`,
  )
  error.stack = ''
  return error
}

module.exports = { Invocation, describe }
