/**
 * Which program is the server of a function: what its start script starts, the file of its handler
 * (`mayBeStyled`: it may export a handler in place of a server), or several functions behind one
 * server (`many`). The start script is read, not run.
 */
'use strict'

const fs = require('node:fs')
const Module = require('node:module')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

/** Several functions behind one server (protocol 02 §4.6). */
const MANY = 'cloudbase-functions.json'

/** As Node runs a program: its module is the main one. */
async function load(file) {
  try {
    return Module._load(file, null, true)
  } catch (error) {
    if (!['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'].includes(error?.code)) throw error
    return import(pathToFileURL(file).href)
  }
}

/**
 * The program of a package: what `scf_bootstrap` starts, else several functions of one file of
 * settings (`many`), else the file of the handler.
 */
function find(root, file) {
  const script = path.join(root, 'scf_bootstrap')
  const program = { folder: root, file: null, values: [], env: {}, many: false, mayBeStyled: true }
  if (fs.existsSync(script)) {
    read(program, fs.readFileSync(script, 'utf8'), 'scf_bootstrap')
    if (program.file === null && !program.many)
      throw new Error('scf_bootstrap starts no Node.js program / 未启动程序')
    return program
  }
  program.many = fs.existsSync(path.join(root, MANY))
  if (program.many) return program
  program.file = ['.js', '.cjs', '.mjs', '/index.js', '']
    .map((end) => path.join(root, file + end))
    .find((candidate) => fs.statSync(candidate, { throwIfNoEntry: false })?.isFile())
  return program
}

/**
 * The few things that start scripts do: variables, `cd`, `node FILE`, `npm start`. There is no
 * shell: the vendor's paths of Node do not exist here, and a second process would be outside of
 * what the worker knows.
 */
function read(program, text, name) {
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    for (const command of line.split(/&&|;/)) {
      const words = split(command, program.env)
      if (words.length > 0 && !perform(program, words)) {
        throw new Error(
          `${name}, line ${at + 1}: only variables, cd, node and npm start are understood, not ` +
            `"${words.join(' ')}" / ${name} 第 ${at + 1} 行:仅支持变量、cd、node 与 npm start`,
        )
      }
    }
  }
}

/** Words as a shell takes them apart: quotes, comments and variables, nothing more. */
function split(command, env) {
  const variable = (_, braced, bare) => env[braced ?? bare] ?? process.env[braced ?? bare] ?? ''
  const fill = (text) => text.replace(/\$\{(\w+)\}|\$(\w+)/g, variable)
  const words = []
  for (const [word] of command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)) {
    if (word.startsWith('#')) break
    const parts = word.matchAll(/'([^']*)'|"([^"]*)"|([^'"]+)/g)
    words.push(
      [...parts].map(([, single, double, plain]) => single ?? fill(double ?? plain)).join(''),
    )
  }
  return words
}

function perform(program, words) {
  while (words.length > 0 && (/^\w+=/.test(words[0]) || ['export', 'exec'].includes(words[0]))) {
    const word = words.shift()
    const at = word.indexOf('=')
    if (at > 0) program.env[word.slice(0, at)] = word.slice(at + 1)
  }
  if (words.length === 0 || words[0] === 'set') return true
  const [command, ...values] = words
  if (command === 'cd') {
    program.folder = path.resolve(program.folder, values[0] ?? '.')
    return true
  }
  if (path.basename(command) === 'tcb-ff') return startFramework(program)
  if (path.basename(command) === 'npm') return performScript(program, values)
  if (path.basename(command) !== 'node') return false
  while (values[0]?.startsWith('-')) {
    if (/^(-r|--require|--import)$/.test(values.shift())) values.shift()
  }
  if (values.length === 0) return false
  program.file = require.resolve(path.resolve(program.folder, values.shift()))
  program.values = values
  program.mayBeStyled = false
  return true
}

/** The vendor's own program for functions of this style; it is not needed here. */
function startFramework(program) {
  program.many = fs.existsSync(path.join(program.folder, MANY))
  if (!program.many) {
    const manifest = path.join(program.folder, 'package.json')
    const { main } = fs.existsSync(manifest) ? JSON.parse(fs.readFileSync(manifest, 'utf8')) : {}
    program.file = require.resolve(path.resolve(program.folder, main ?? 'index.js'))
  }
  return true
}

/** `(path) => handler` over the functions of `cloudbase-functions.json`; the longest path wins. */
async function manyOf(folder) {
  const settings = JSON.parse(fs.readFileSync(path.join(folder, MANY), 'utf8'))
  const handlers = new Map()
  for (const it of settings.functions ?? []) {
    const base = path.resolve(folder, settings.functionsRoot ?? '.', it.directory ?? it.name)
    const loaded = await load(require.resolve(path.join(base, it.source ?? 'index.js')))
    const target = it.target ?? 'main'
    const handler = loaded?.[target] ?? loaded?.default?.[target]
    if (typeof handler !== 'function') {
      throw new Error(
        `${MANY}: ${it.name} exports no function "${target}" / ${it.name} 没有导出函数“${target}”`,
      )
    }
    handlers.set(it.name, handler)
  }
  const own = (settings.functions ?? []).filter((it) => it.triggerPath)
  const routes = [
    ...(settings.routes ?? []),
    ...own.map((it) => ({ path: it.triggerPath, functionName: it.name })),
  ].map((it) => ({
    path: `${it.path.replace(/\/+$/, '')}/`,
    handler: handlers.get(it.functionName),
  }))
  routes.sort((a, b) => b.path.length - a.path.length)
  return (asked) => routes.find((it) => `${asked}/`.startsWith(it.path))?.handler ?? null
}

function performScript(program, values) {
  const script = values[0] === 'run' ? values[1] : values[0]
  const manifest = JSON.parse(fs.readFileSync(path.join(program.folder, 'package.json'), 'utf8'))
  const command = manifest.scripts?.[script]
  if (command === undefined) return false
  read(program, command, `package.json, scripts.${script}`)
  return true
}

module.exports = { find, load, manyOf }
