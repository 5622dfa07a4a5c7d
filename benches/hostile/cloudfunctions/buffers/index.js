/** Takes memory outside the JavaScript heap, and touches it. */
'use strict'

exports.main = () => {
  const kept = []
  for (;;) kept.push(Buffer.alloc(16 * 1024 * 1024, 1))
}
