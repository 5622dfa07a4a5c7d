/**
 * The process environment of one call: set before it, gone before the next.
 *
 * The vendor's SDK reads identity and credentials from `process.env`, so this is where one
 * caller's identity ends and the next one's begins. Only what differs is written: a write to
 * `process.env` is a system-wide change and far slower than a comparison.
 */
'use strict'

const own = Object.prototype.hasOwnProperty

class Variables {
  constructor() {
    this.given = Object.create(null)
    this.before = Object.create(null)
  }

  /** Makes `next` the variables of the call; others of the last call are undone. */
  replace(next) {
    for (const name in this.given) {
      if (own.call(next, name)) continue
      restore(name, this.before[name])
      delete this.given[name]
      delete this.before[name]
    }
    for (const name in next) {
      const value = next[name]
      if (!own.call(this.before, name)) this.before[name] = process.env[name]
      if (process.env[name] !== value) process.env[name] = value
      this.given[name] = value
    }
  }
}

function restore(name, value) {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

module.exports = { Variables }
