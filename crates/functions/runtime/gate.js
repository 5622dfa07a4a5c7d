/**
 * Asks the server's gate before this process connects over TCP, so that errors are the usual ones.
 *
 * All connections of a worker end at the gate, which accepts them before it knows their far end. The
 * gate dials for a question, and its answer is the outcome that Node would have had; the connection
 * made then is joined with what was dialled. It is a convenience: who does not ask is judged the
 * same, and sees a reset.
 */
'use strict'

const { AsyncResource } = require('node:async_hooks')
const net = require('node:net')
const { constants } = require('node:os')

/** An address of nobody's, at which the gate answers questions. */
const QUESTIONS = { host: '192.0.2.1', port: 1 }

class Gate {
  /** `connect`: the `connect` of sockets as Node made it. */
  constructor(connect) {
    this.connect = connect
    this.line = null
    this.heard = ''
    this.number = 0
    /** What happens with an answer, by the number of the question. */
    this.asked = new Map()
    this.patched = false
  }

  /** Makes connections of this process ask from now on. */
  guard() {
    if (this.patched) return
    this.patched = true
    this.#open()
    const handle = Object.getPrototypeOf(this.line._handle)
    for (const name of ['connect', 'connect6']) {
      const connect = handle[name]
      const gate = this
      handle[name] = function (request, address, port) {
        if (this === gate.line?._handle) return connect.call(this, request, address, port)
        let isOpen = true
        this.close = (...values) => {
          isOpen = false
          delete this.close
          return this.close(...values)
        }
        gate.#ask(address, port, (code) => {
          // An attempt that was given up has nobody who waits.
          if (!isOpen) return
          delete this.close
          const error = code === 0 ? connect.call(this, request, address, port) : code
          if (error !== 0) request.oncomplete?.(error, this, request, false, false)
        })
        return 0
      }
    }
  }

  #open() {
    const line = new net.Socket()
    this.line = line
    this.heard = ''
    this.connect.call(line, QUESTIONS)
    line.setEncoding('utf8')
    line.setNoDelay(true)
    line.on('data', (text) => {
      const answers = (this.heard + text).split('\n')
      this.heard = answers.pop()
      for (const answer of answers) this.#answer(...answer.split(' '))
    })
    line.on('error', () => {})
    line.on('close', () => {
      this.line = null
      // The gate judges all the same.
      for (const number of [...this.asked.keys()]) this.#answer(number, 'OK')
    })
    line.unref()
  }

  #ask(address, port, then) {
    if (this.line === null) this.#open()
    this.number += 1
    this.asked.set(String(this.number), AsyncResource.bind(then))
    this.line.ref()
    this.line.write(`${this.number} ${address.replace(/%.*/, '')} ${port}\n`)
  }

  #answer(number, outcome) {
    const then = this.asked.get(number)
    this.asked.delete(number)
    if (this.asked.size === 0) this.line?.unref()
    then?.(outcome === 'OK' ? 0 : -(constants.errno[outcome] ?? constants.errno.ECONNREFUSED))
  }
}

module.exports = { Gate }
