/** Writes 100 MB of log. */
'use strict'

const LINE = 'x'.repeat(1_000)

exports.main = () => {
  for (let count = 0; count < 100_000; count += 1) console.log(LINE)
}
