/**
 * The debugger of one function under `yunkai dev --inspect`: Node's inspector on a loopback port,
 * opened when the worker gets the function, so that a worker that waits costs nothing.
 */
'use strict'

const inspector = require('node:inspector')
const net = require('node:net')

const HOST = '127.0.0.1'
/** The worker of the version before holds the port until its last call is done. */
const ATTEMPTS = 200
const PAUSE_MS = 50

const { setTimeout } = globalThis

/** The address of the debugger, or nothing when somebody else keeps the port. */
async function open({ port }) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    // Asked first: the inspector itself complains on standard error.
    if (await isFree(port)) inspector.open(port, HOST)
    if (inspector.url()) return inspector.url()
    await new Promise((next) => setTimeout(next, PAUSE_MS))
  }
  return null
}

function isFree(port) {
  return new Promise((answer) => {
    const server = net.createServer()
    server.once('error', () => answer(false))
    server.listen(port, HOST, () => server.close(() => answer(true)))
  })
}

/** What the developer reads; `root` is where the code of this worker lies. */
function describe(url, { port }, root) {
  if (url === null) {
    return (
      `No debugger: port ${port} is taken by another program; choose one with --inspect-port. / ` +
      `无法启动调试器:端口 ${port} 已被占用,请用 --inspect-port 指定其他端口。`
    )
  }
  const remoteRoot = JSON.stringify(root)
  return (
    `Debugger at ${url}: open chrome://inspect in Chrome, or attach VS Code with ` +
    `{"type":"node","request":"attach","port":${port},"localRoot":"<the function's folder>",` +
    `"remoteRoot":${remoteRoot}}. There is no time limit. / ` +
    `调试器已启动:在 Chrome 打开 chrome://inspect,或用 VS Code 附加到端口 ${port}。调试时无超时限制。`
  )
}

/** Holds everything until a debugger is there. */
function wait() {
  inspector.waitForDebugger()
}

/** Lets go of the port. */
function close() {
  inspector.close()
}

module.exports = { open, describe, wait, close }
