/**
 * Looks for syntax errors at deploy: `node check.js ROOT`, a JSON array of files on standard
 * input, a JSON array of `{file, message}` on standard output. It runs none of the code.
 */
'use strict'

const fs = require('node:fs')
const Module = require('node:module')
const path = require('node:path')
const vm = require('node:vm')

const root = process.argv[2]
const files = JSON.parse(fs.readFileSync(0, 'utf8'))
/** From 22 on, Node loads a `.js` file with `import` or `export` in it as a module. */
const findsModules = Number(process.versions.node.split('.')[0]) >= 22
const isModuleWord = /import statement|token 'export'|'import\.meta'|await is only valid/
const problems = []
for (const file of files) {
  const source = fs.readFileSync(path.join(root, file), 'utf8').replace(/^#!.*/, '')
  try {
    new vm.Script(Module.wrap(source), { filename: file })
  } catch (error) {
    if (findsModules && isModuleWord.test(error.message)) continue
    const place = String(error.stack).split('\n')[0]
    problems.push({ file, message: `${place} ${error.name}: ${error.message}` })
  }
}
process.stdout.write(JSON.stringify(problems))
