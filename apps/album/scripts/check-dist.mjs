/**
 * Refuses a build that would load anything from elsewhere: no address of another host may stand in
 * the output, except names that are never fetched (XML namespaces, licence and documentation
 * links). Usage: node scripts/check-dist.mjs DIR
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const dir = process.argv[2]
if (!dir) {
  console.error('usage: node scripts/check-dist.mjs DIR')
  process.exit(2)
}

/** Addresses that are words, not requests. */
const NEVER_FETCHED = [
  /^https?:\/\/www\.w3\.org\//,
  /^https?:\/\/127\.0\.0\.1(:\d+)?/,
  /^https?:\/\/localhost/,
  /^https?:\/\/github\.com\//,
  /^https?:\/\/(v3|cn)\.vuejs\.org\//,
  /^https?:\/\/vuejs\.org\//,
  /^https?:\/\/uniapp\.dcloud\.(net\.cn|io)\//,
  /^https?:\/\/developers\.weixin\.qq\.com\//,
]

function* files(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) yield* files(path)
    else if (/\.(html|js|mjs|css|json|wxml|wxss|svg)$/.test(name)) yield path
  }
}

const found = []
for (const path of files(dir)) {
  const text = readFileSync(path, 'utf8')
  for (const [address] of text.matchAll(
    /(?:https?:)?\/\/[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?\/[^\s"'`)<>\\]*/gi,
  )) {
    if (address.startsWith('//') && !/\.(css|js|png|jpe?g|svg|woff2?|ttf)\b/.test(address)) continue
    if (!NEVER_FETCHED.some((known) => known.test(address))) found.push(`${path}: ${address}`)
  }
}
if (found.length > 0) {
  console.error(`${dir} 中有外部地址 / addresses of other hosts in the build:\n${found.join('\n')}`)
  process.exit(1)
}
console.log(`${dir}: 没有外部地址 / nothing from elsewhere`)
