/**
 * The process environment of one call: set before it, gone before the next.
 *
 * The vendor's SDK reads identity and credentials from `process.env`, so this is where one
 * caller's identity ends and the next one's begins. `process.env` is an object of JavaScript here:
 * the system's own environment keeps every value it was ever given until the process ends, which
 * an id for each call makes a leak, and is far slower. What a function itself writes goes to both,
 * because Node reads some of it there, e.g. `TZ`.
 */
'use strict'

const { syncBuiltinESMExports } = require('node:module')
const threads = require('node:worker_threads')

const own = Object.prototype.hasOwnProperty

class Variables {
  constructor() {
    /** Those of the call at work. */
    this.given = {}
    /** What those of the call stand in front of. */
    this.before = Object.create(null)
    this.all = { ...process.env }
    process.env = this.#environment(process.env)
    threads.Worker = withVariables(threads.Worker)
    syncBuiltinESMExports()
  }

  /** Makes `next` the variables of the call; others of the last call are undone. */
  replace(next) {
    const { all, given, before } = this
    for (const name in given) {
      if (own.call(next, name)) continue
      if (before[name] === undefined) delete all[name]
      else all[name] = before[name]
      delete before[name]
    }
    for (const name in next) {
      if (!(name in before)) before[name] = all[name]
      all[name] = next[name]
    }
    this.given = next
  }

  /** Behaves as Node's: what is written becomes text, and the system is told. */
  #environment(system) {
    const write = (name, value) => {
      if (!own.call(this.given, name)) system[name] = value
      this.all[name] = `${value}`
      return true
    }
    return new Proxy(this.all, {
      set: (_all, name, value) => write(name, value),
      defineProperty: (_all, name, { value }) => write(name, value),
      deleteProperty: (all, name) => {
        if (!own.call(this.given, name)) delete system[name]
        return delete all[name]
      },
    })
  }
}

/** Threads are given a copy of `process.env`, not of what the system knows. */
function withVariables(Original) {
  return class Worker extends Original {
    constructor(file, options) {
      super(file, options?.env == null ? { ...options, env: process.env } : options)
    }
  }
}

module.exports = { Variables }
