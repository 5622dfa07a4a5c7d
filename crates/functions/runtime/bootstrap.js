/**
 * The program of a worker: waits for a function, then runs its calls one at a time.
 *
 * Started by the server with one JSON argument, speaks frames on file descriptor 3, and ends when
 * that closes. After a call has its result, the next one begins only when the requests the call
 * made to the platform are answered: they carry the caller's identity, which lives in the process
 * environment. The server may send a few calls ahead; while requests are on their way they are
 * handed back, never mixed.
 */
'use strict'

const { AsyncLocalStorage } = require('node:async_hooks')
const { Channel } = require('./frames.js')
const { Invocation, describe } = require('./invocation.js')
const { Loader } = require('./loader.js')
const { Variables } = require('./variables.js')
const { captureConsole } = require('./logs.js')
const { Reach } = require('./reach.js')
const { redirect, requestsUnderWay } = require('./redirect.js')
const { Server } = require('./server.js')

const SETTLE_MS_MAX = 5000
/** Turns of the event loop in which a chain of promises may still send a request. */
const SETTLE_TURNS = 2
/** How often memory, and what a call does with its time, are looked at. */
const SAMPLE_EVERY_MS = 1000
/** A worker that is to go has made no request for this long: what it was not awaited for is done. */
const QUIET_MS = 250
const LOOK_MS = 25

const { parse } = JSON
const { setTimeout } = globalThis
const { eventLoopUtilization } = performance
const settings = parse(process.argv[2])
process.argv.length = 1
process.argv.push('index.js')

const store = new AsyncLocalStorage()
const variables = new Variables()
const loader = new Loader()
const reach = new Reach(settings.openLoopback)
/** What a function with a server of its own is run by. */
const server = new Server({ store, socketPath: settings.socketPath })
let about = null
/** The variables of the call that was received last. */
let latest = {}
/** The invocation at work, or settling. */
let current = null
/** Calls that wait for the one at work; they run one after another. */
const waiting = []
let sampledAt = -Infinity
/** The state of the event loop at the beginning of a call that is sampled. */
let loopBefore = null
let loaded = false
/** Under a debugger: the module for it, its settings, and when it can be reached. */
let inspected = null
/** Nothing begins here any more. */
let givenUp = false

// Without the server there is nobody to work for: this process and all it started end.
const channel = new Channel(settings.fd, onFrame, () => process.kill(0, 'SIGKILL'))
const loop = {
  waiting: null,
  whenEmpty(then) {
    this.waiting = then
    channel.keepAlive(false)
  },
  leave() {
    if (this.waiting === null) return
    this.waiting = null
    channel.keepAlive(true)
  },
}

function onFrame(id, head, body) {
  if (head.t === 'assign') assign(head)
  else if (head.t === 'invoke') offer({ id, request: head.request, given: apply(head), body })
  else if (head.t === 'load') loadAhead()
  else if (head.t === 'ask') saysWhetherItLasts(id)
  else if (head.t === 'leave') leave()
}

/** Calls that were not awaited often begin only after the result; they land before the end. */
function leave() {
  const limit = performance.now() + SETTLE_MS_MAX
  let quietSince = performance.now()
  const look = () => {
    const now = performance.now()
    if (requestsUnderWay() > 0) quietSince = now
    if (now - quietSince < QUIET_MS && now < limit) setTimeout(look, LOOK_MS)
    else {
      // The next worker wants the port.
      inspected?.inspect.close()
      channel.send(0, { t: 'left' }, '')
    }
  }
  look()
}

function assign(head) {
  about = { fields: head.context, variables: head.variables }
  for (const [name, value] of Object.entries(head.environment)) process.env[name] = value
  reach.limit(head.network)
  loader.assign(head)
  process.chdir(head.root)
  if (head.inspect) {
    const inspect = require('./inspect.js')
    inspected = { ...head.inspect, inspect, ready: openDebugger(inspect, head) }
  }
}

async function openDebugger(inspect, { inspect: settings, root }) {
  const url = await inspect.open(settings)
  const about = { t: 'log', level: url === null ? 'warn' : 'info', time: Date.now() }
  channel.send(0, { ...about, platform: true }, inspect.describe(url, settings, root))
  return url !== null
}

/** With `--inspect-brk` even the code of the module waits for the debugger. */
async function awaitDebugger() {
  if ((await inspected.ready) && inspected.breakFirst) inspected.inspect.wait()
}

/**
 * Loads the code before there is a call. What it asks of the platform now would be asked on nobody's
 * behalf: such a worker is given up, and the function is loaded by its calls from then on.
 */
function loadAhead() {
  let asked = false
  const nobody = new Invocation({ id: 0, requestId: '', variables: {} }, () => {}, loop)
  Object.defineProperty(nobody, 'pending', {
    get: () => 0,
    set: () => {
      asked = true
    },
  })
  current = nobody
  let turns = 0
  const step = () => {
    turns += 1
    if (turns < SETTLE_TURNS && !asked) return void setImmediate(step)
    current = null
    if (asked) {
      givenUp = true
      handBackAll()
      return channel.send(0, { t: 'asked' }, '')
    }
    if (loaded) channel.send(0, { t: 'loaded' }, '')
    if (waiting.length > 0) begin(waiting.shift())
  }
  const done = (well) => {
    loaded = well
    setImmediate(step)
  }
  // A call that finds the code not loaded tries again, and tells its caller.
  loader.load().then(
    () => done(true),
    () => done(false),
  )
}

function offer(call) {
  if (givenUp) return handBack(call)
  if (current === null) return begin(call)
  if (current.done ? current.pending > 0 : current.lasts) return handBack(call)
  waiting.push(call)
}

/**
 * The server asks because this call takes longer than its fellows. Who has had the processor and
 * still answers waits for something, and nobody is to wait behind it.
 */
function saysWhetherItLasts(id, turns = SETTLE_TURNS) {
  if (current?.id !== id || current.done) return
  if (turns > 0) return void setImmediate(saysWhetherItLasts, id, turns - 1)
  current.lasts = true
  handBackAll()
  channel.send(id, { t: 'lasts' }, '')
}

/** The variables of a call come as what differs from those of the call that was sent before it. */
function apply({ set, fresh }) {
  latest = fresh ? set : { ...latest, ...set }
  return latest
}

function handBack({ id }) {
  channel.send(id, { t: 'back' }, '')
}

/** The last one first: each is put in front of the line. */
function handBackAll() {
  for (const call of waiting.splice(0).reverse()) handBack(call)
}

function begin({ id, request, given, body }) {
  variables.replace(given)
  const call = { id, requestId: request, variables: given }
  const invocation = new Invocation(call, (result, text) => end(invocation, result, text), loop)
  current = invocation
  if (given.YUNKAI_SERVE) return serve(invocation)
  let event
  try {
    event = body === '' ? {} : parse(body)
  } catch (error) {
    return invocation.fail(
      new Error(`the event is not JSON / 事件不是合法的 JSON: ${error.message}`),
    )
  }
  if (!loaded) return load(invocation, event)
  const samples = performance.now() - sampledAt > SAMPLE_EVERY_MS
  loopBefore = samples ? eventLoopUtilization() : null
  store.run(invocation, run, invocation, event)
}

function run(invocation, event) {
  // Nothing stops here without a debugger. Step into: the handler is next.
  // biome-ignore lint/suspicious/noDebugger: this is what --inspect-brk asks for
  if (inspected?.breakFirst) debugger
  invocation.run(loader.handler, event, about)
}

/** The program runs with the variables of this call, and each of its requests in a store of its own. */
function serve(invocation) {
  server.start(loader).then(
    () => {
      if (!loaded) channel.send(invocation.id, { t: 'loaded' }, '')
      loaded = true
      invocation.run(() => server.serve(invocation), {}, about)
    },
    (error) => invocation.fail(error, { last: true }),
  )
}

/** Module code runs with the variables of the first call, but belongs to none. */
function load(invocation, event) {
  const ready = inspected === null ? loader.load() : awaitDebugger().then(() => loader.load())
  ready.then(
    () => {
      loaded = true
      channel.send(invocation.id, { t: 'loaded' }, '')
      loopBefore = eventLoopUtilization()
      if (!invocation.done) store.run(invocation, run, invocation, event)
    },
    (error) => invocation.fail(error),
  )
}

function end(invocation, head, text) {
  loop.leave()
  head.pending = invocation.pending
  if (loopBefore !== null) {
    sampledAt = performance.now()
    head.memory = process.memoryUsage.rss()
    head.busy = eventLoopUtilization(loopBefore).utilization
    loopBefore = null
  }
  channel.send(invocation.id, head, text)
  settle(invocation, invocation.pending > 0)
}

/** `announced`: the server knows that this worker is not free yet. */
function settle(invocation, announced) {
  let turns = 0
  let limit = null
  const step = () => {
    if (invocation.pending > 0) {
      turns = 0
      if (!announced) channel.send(invocation.id, { t: 'busy' }, '')
      announced = true
      handBackAll()
      limit ??= setTimeout(giveUp, SETTLE_MS_MAX, invocation)
      invocation.onQuiet = () => {
        invocation.onQuiet = null
        setImmediate(step)
      }
      return
    }
    turns += 1
    if (turns < SETTLE_TURNS) return void setImmediate(step)
    if (limit !== null) clearTimeout(limit)
    current = null
    if (announced) channel.send(invocation.id, { t: 'settled' }, '')
    if (waiting.length > 0) begin(waiting.shift())
  }
  setImmediate(step)
}

function giveUp(invocation) {
  channel.send(invocation.id, { t: 'stuck', pending: invocation.pending }, '')
}

process.on('beforeExit', () => {
  const then = loop.waiting
  if (then === null) return
  loop.leave()
  then()
})

process.on('uncaughtException', (error) => {
  const invocation = store.getStore() ?? current
  const { message, stack } = describe(error)
  store.run(invocation, () =>
    console.error(`Uncaught exception / 未捕获的异常: ${stack || message}`),
  )
  if (current && !current.done) current.fail(error, { last: true })
  process.exit(1)
})

// An un-awaited SDK call that fails must not end a process that has other callers to serve.
process.on('unhandledRejection', (reason) => {
  const { message, stack } = describe(reason)
  console.error(`Unhandled rejection / 未处理的 Promise 拒绝: ${stack || message}`)
})

process.on('exit', (code) => {
  if (current && !current.done) channel.sendAtExit(current.id, { t: 'exit', code }, '')
})

captureConsole(channel, () => store.getStore() ?? current)
redirect({
  ...settings,
  reach,
  owner() {
    const invocation = store.getStore()
    return { invocation: invocation ?? current, certain: invocation !== undefined }
  },
})
loader.carried = settings.sdk
if (settings.sdk !== null) {
  // Loaded and exercised ahead of need: a separate instance, so the function finds it untouched.
  require(settings.sdk).createNewInstance?.({ env: 'yunkai' })
}
channel.send(0, { t: 'ready' }, '')
