/**
 * `console.*` and writes to standard output of function code become log frames, each with the
 * invocation that wrote it: a pipe would be read too late to tell.
 *
 * Sent at once, so they arrive before the result and survive a kill. A text over the limit is cut
 * and says so; an invocation that logs without end is stopped by a last line that says so.
 */
'use strict'

const { Console } = require('node:console')
const { Writable } = require('node:stream')

const TEXT_CHARS_MAX = 32 * 1024
const INVOCATION_CHARS_MAX = 1024 * 1024
const INVOCATION_LINES_MAX = 4096

// A worker may log this much a second in the long run, and the burst at once: all that is logged
// goes through the server, where others' calls wait for it.
const SECOND_CHARS_MAX = 1024 * 1024
const BURST_CHARS_MAX = 8 * 1024 * 1024
// A short line costs no less than this.
const LINE_CHARS_MIN = 128

const LEVELS = {
  debug: 'debug',
  trace: 'debug',
  warn: 'warn',
  error: 'error',
  assert: 'error',
}

/** Takes over the global console. `owner()` gives the invocation at work, or nothing. */
function captureConsole(channel, owner) {
  let level = 'info'
  // Function code may replace the globals.
  const clock = performance.now.bind(performance)
  let allowance = BURST_CHARS_MAX
  let counted = clock()
  let lost = 0

  const write = (text) => {
    const invocation = owner()
    if (invocation?.logCut) return
    if (!isWithinRate(text)) {
      if (!invocation) lost += 1
      else endLog(invocation, TOO_FAST, true)
      return
    }
    if (invocation && !mayLog(invocation, text)) return
    if (lost > 0) tell(invocation, `${lost} ${LOST}`)
    lost = 0
    const head = { t: 'log', request: invocation?.requestId, level, time: Date.now() }
    channel.send(0, head, cut(text))
  }
  const isWithinRate = (text) => {
    const now = clock()
    allowance = Math.min(BURST_CHARS_MAX, allowance + ((now - counted) / 1000) * SECOND_CHARS_MAX)
    counted = now
    const cost = Math.max(LINE_CHARS_MIN, Math.min(text.length, TEXT_CHARS_MAX))
    if (cost > allowance) return false
    allowance -= cost
    return true
  }
  const tell = (invocation, text, harm) => {
    const head = { t: 'log', request: invocation?.requestId, level: 'warn', time: Date.now() }
    channel.send(0, { ...head, platform: true, harm }, text)
  }
  const endLog = (invocation, why, harm) => {
    invocation.logCut = true
    tell(invocation, why, harm)
  }
  const mayLog = (invocation, text) => {
    invocation.logLines += 1
    invocation.logChars += text.length
    const within =
      invocation.logLines <= INVOCATION_LINES_MAX && invocation.logChars <= INVOCATION_CHARS_MAX
    if (within) return true
    endLog(invocation, TOO_MUCH)
    return false
  }

  const stream = new Writable({
    decodeStrings: false,
    write(text, _encoding, done) {
      write(text.endsWith('\n') ? text.slice(0, -1) : text)
      done()
    },
  })
  const inner = new Console({ stdout: stream, stderr: stream, colorMode: false })
  for (const name of Object.keys(inner)) {
    if (typeof inner[name] !== 'function' || name === 'Console') continue
    console[name] = (...values) => {
      level = LEVELS[name] ?? 'info'
      return inner[name](...values)
    }
  }
  captureStream(process.stdout, (text) => {
    level = 'info'
    write(text)
  })
  captureStream(process.stderr, (text) => {
    level = 'error'
    write(text)
  })
  // The SDK's logger() writes here when _SCF_TCB_LOG is 1 (protocol 02 §3.8).
  console.__baseLog__ = (...values) => console.log(...values)
}

/** Whole lines at once; what has no end of line is sent when the running code pauses. */
function captureStream(stream, write) {
  let begun = ''
  const flush = () => {
    if (begun === '') return
    write(begun)
    begun = ''
  }
  stream.write = (chunk, encoding, done) => {
    const isText = typeof chunk === 'string'
    const text = isText ? chunk : Buffer.from(chunk).toString()
    const lines = (begun + text).split('\n')
    begun = lines.pop()
    for (const line of lines) write(line)
    if (begun !== '') setImmediate(flush)
    const then = typeof encoding === 'function' ? encoding : done
    if (then) process.nextTick(then)
    return true
  }
}

const TOO_MUCH =
  'The rest of this log was cut: one call may log 4096 lines or 1 MiB. / ' +
  '日志超出上限(每次调用 4096 行或 1 MiB),其余内容已省略。'
const TOO_FAST =
  'The rest of this log was cut: the calls before it logged more than 1 MiB a second. Log less in ' +
  'each call. / 此前的调用日志超过每秒 1 MiB,本次其余内容已省略,请减少每次调用的日志。'
const LOST =
  'lines logged outside of calls were dropped: more than 1 MiB a second. / ' +
  '行调用之外的日志因超过每秒 1 MiB 已丢弃。'

function cut(text) {
  if (text.length <= TEXT_CHARS_MAX) return text
  const more = text.length - TEXT_CHARS_MAX
  return `${text.slice(0, TEXT_CHARS_MAX)}… (${more} more characters were cut / 另有 ${more} 个字符已省略)`
}

module.exports = { captureConsole }
