/**
 * A function in one file, as the deploy put it into `.yunkai/`: compiles it with the code that was
 * compiled ahead, runs it as the main file it stands for, and shows places in errors as they are
 * in the files it was made of.
 */
'use strict'

const fs = require('node:fs')
const Module = require('node:module')
const path = require('node:path')
const vm = require('node:vm')

const FOLDER = '.yunkai'
/** The script's name: compiled code keeps the one it was compiled with, wherever it lies now. */
const NAME = `${FOLDER}/bundle.js`

/** Where the compiled code lies: it fits one version of Node.js with one set of flags. */
function codeFile(root) {
  const flags = process.execArgv.join(' ').replace(/[^\w=-]+/g, '_')
  return path.join(root, FOLDER, `code ${process.version} ${process.arch} ${flags}`)
}

/** What Node puts around a module, and `__yunkai`, which says where a file of the bundle lies. */
const BEFORE = '(function (exports, require, module, __filename, __dirname, __yunkai) { '

function compile(root, cachedData) {
  const text = fs.readFileSync(path.join(root, NAME), 'utf8')
  return new vm.Script(`${BEFORE}${text}\n})`, { filename: NAME, cachedData })
}

/** The bundle that stands for `file`, or null. */
function find(root, file) {
  try {
    const about = JSON.parse(fs.readFileSync(path.join(root, FOLDER, 'bundle.json'), 'utf8'))
    return path.join(root, about.main) === file ? about : null
  } catch {
    return null
  }
}

/** What the main file exports. */
function load(root, file) {
  let cachedData
  try {
    cachedData = fs.readFileSync(codeFile(root))
  } catch {
    // Another version of Node.js, or other flags: it is compiled now.
  }
  const script = compile(root, cachedData)
  const module = new Module(file, null)
  module.filename = file
  module.paths = Module._nodeModulePaths(path.dirname(file))
  Module._cache[file] = module
  mapPlaces(root)
  try {
    const run = script.runInThisContext()
    const require = Module.createRequire(file)
    const place = (inside) => path.join(root, inside)
    const folder = path.dirname(file)
    run.call(module.exports, module.exports, require, module, file, folder, place)
  } catch (error) {
    delete Module._cache[file]
    throw error
  }
  module.loaded = true
  return module.exports
}

/** Stacks name the files of the function. The map is read when the first stack is looked at. */
function mapPlaces(root) {
  let map = null
  const places = () => {
    if (map !== null) return map
    try {
      const text = fs.readFileSync(path.join(root, `${NAME}.map`), 'utf8')
      map = new Module.SourceMap(JSON.parse(text))
    } catch {
      map = { findEntry: () => ({}) }
    }
    return map
  }
  const show = (frame) => {
    const shown = String(frame)
    const [line, column] = [frame.getLineNumber(), frame.getColumnNumber()]
    if (frame.getFileName() !== NAME || line === null) return shown
    const entry = places().findEntry(line - 1, column - 1)
    if (entry.originalSource === undefined) return shown
    const source = path.join(root, FOLDER, entry.originalSource)
    const place = `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
    return shown.replace(`${NAME}:${line}:${column}`, () => place)
  }
  Error.prepareStackTrace = (error, frames) => {
    let head
    try {
      head = Error.prototype.toString.call(error)
    } catch {
      head = '<error>'
    }
    return [head, ...frames.map((frame) => `    at ${show(frame)}`)].join('\n')
  }
}

module.exports = { FOLDER, codeFile, compile, find, load }
