/**
 * Checks the cloud functions as files: each has its three files, parses, and carries the same
 * gate.js.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const root = new URL('../cloudfunctions/', import.meta.url)
const problems = []
const reference = readFileSync(new URL('login/gate.js', root), 'utf8')

for (const name of readdirSync(root)) {
  for (const file of ['index.js', 'gate.js', 'package.json', 'config.json']) {
    const path = new URL(`${name}/${file}`, root)
    if (!existsSync(path)) problems.push(`${name}/${file} is missing`)
    else if (file.endsWith('.json')) JSON.parse(readFileSync(path, 'utf8'))
    else execFileSync(process.execPath, ['--check', path.pathname])
  }
  const gate = new URL(`${name}/gate.js`, root)
  if (existsSync(gate) && readFileSync(gate, 'utf8') !== reference) {
    problems.push(`${name}/gate.js differs from login/gate.js`)
  }
}
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exit(1)
}
