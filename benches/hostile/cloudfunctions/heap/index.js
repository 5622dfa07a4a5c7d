/** Fills the JavaScript heap. */
'use strict'

exports.main = () => {
  const kept = []
  for (;;) kept.push({ some: 'thing', list: new Array(1_000).fill(kept.length) })
}
