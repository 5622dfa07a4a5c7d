/**
 * The process environment of one call: set before it, gone before the next.
 *
 * The vendor's SDK reads identity and credentials from `process.env`, so this is where one
 * caller's identity ends and the next one's begins. Only what differs is written: a write to
 * `process.env` is a system-wide change and far slower than a comparison.
 */
'use strict'

const own = Object.prototype.hasOwnProperty
/**
 * The same for every caller. Code that overwrites one of them does so for the life of its worker;
 * all others are looked at before every call, whoever changed them.
 */
const OF_NOBODY = new Set([
  'WX_CONTEXT_KEYS',
  'TCB_CONTEXT_KEYS',
  'WX_APPID',
  'WX_API_TOKEN',
  'TCB_ENV',
  'SCF_NAMESPACE',
  'TENCENTCLOUD_SECRETID',
  'TENCENTCLOUD_SECRETKEY',
  'TENCENTCLOUD_SESSIONTOKEN',
])

class Variables {
  constructor() {
    this.given = {}
    this.before = Object.create(null)
  }

  /** Makes `next` the variables of the call; others of the last call are undone. */
  replace(next) {
    const { given, before } = this
    for (const name in given) {
      if (own.call(next, name)) continue
      restore(name, before[name])
      delete before[name]
    }
    for (const name in next) {
      const value = next[name]
      if (!own.call(before, name)) before[name] = process.env[name]
      else if (given[name] === value && OF_NOBODY.has(name)) continue
      if (process.env[name] !== value) process.env[name] = value
    }
    this.given = next
  }
}

function restore(name, value) {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

module.exports = { Variables }
