/** Burns 5 ms of processor time. */
'use strict'

const MICROSECONDS = 5_000

exports.main = async () => {
  const before = process.cpuUsage()
  let turns = 0
  for (;;) {
    const used = process.cpuUsage(before)
    if (used.user + used.system >= MICROSECONDS) return { turns }
    for (let step = 0; step < 10_000; step += 1) turns += step & 1
  }
}
