/**
 * Compiles a bundle ahead: `node FLAGS compile.js ROOT`. It runs none of the code. Every function
 * is compiled, not only those at the top, so that a worker need not do it at its first call.
 */
'use strict'

const fs = require('node:fs')
const v8 = require('node:v8')
const { codeFile, compile } = require('./bundle.js')

const root = process.argv[2]
const file = codeFile(root)
if (!fs.existsSync(file)) {
  v8.setFlagsFromString('--no-lazy')
  const script = compile(root)
  // The flags are part of what must fit: they are as they will be in a worker.
  v8.setFlagsFromString('--lazy')
  const unfinished = `${file}.${process.pid}`
  fs.writeFileSync(unfinished, script.createCachedData(), { mode: 0o444 })
  fs.renameSync(unfinished, file)
}
