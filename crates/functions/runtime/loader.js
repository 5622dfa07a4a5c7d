/**
 * Finds and loads the code of a function: its handler, and `wx-server-sdk` where the function has
 * no copy of its own.
 *
 * It changes two answers of Node's resolver and nothing else: the carried SDK is found when nothing
 * nearer is, and a package that is nowhere is named together with what to do about it.
 */
'use strict'

const fs = require('node:fs')
const Module = require('node:module')
const path = require('node:path')
const { pathToFileURL } = require('node:url')
const bundle = require('./bundle.js')

const SDK = 'wx-server-sdk'

class Loader {
  constructor() {
    this.carried = null
    this.handler = null
    const resolve = Module._resolveFilename
    const loader = this
    Module._resolveFilename = function (request, ...rest) {
      try {
        return resolve.call(this, request, ...rest)
      } catch (error) {
        if (error?.code !== 'MODULE_NOT_FOUND') throw error
        if (loader.carried !== null && (request === SDK || request.startsWith(`${SDK}/`))) {
          return resolve.call(this, loader.carried + request.slice(SDK.length), ...rest)
        }
        throw explain(error, request)
      }
    }
  }

  /** The function becomes known: `file` has no extension and is relative to `root`. */
  assign({ root, file, name, carried, inspect }) {
    Object.assign(this, { root, file, name, carried, inspect })
  }

  /** Loads the handler, once. A load that failed is tried again by the next call. */
  async load() {
    const file = ['.js', '.cjs', '.mjs', '/index.js', '']
      .map((end) => path.join(this.root, this.file + end))
      .find((candidate) => fs.statSync(candidate, { throwIfNoEntry: false })?.isFile())
    if (!file) {
      throw new Error(`${this.file}.js is missing from the package / 代码包缺少 ${this.file}.js`)
    }
    const exported = await this.#import(file)
    const handler = exported?.[this.name] ?? exported?.default?.[this.name]
    if (typeof handler !== 'function') {
      const shown = path.relative(this.root, file)
      throw new Error(
        `${shown} exports no function "${this.name}"; write exports.${this.name} = … / ` +
          `${shown} 没有导出函数“${this.name}”,请写 exports.${this.name} = …`,
      )
    }
    this.handler = handler
  }

  async #import(file) {
    // Who looks on step by step wants to see the files.
    if (!this.inspect && bundle.find(this.root, file) !== null) return bundle.load(this.root, file)
    try {
      return require(file)
    } catch (error) {
      if (!['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'].includes(error?.code)) throw error
      return import(pathToFileURL(file).href)
    }
  }
}

function explain(error, request) {
  if (request.startsWith('.') || path.isAbsolute(request)) return error
  const name = request.startsWith('@') ? request.split('/', 2).join('/') : request.split('/', 1)[0]
  const before = error.message.split('\n', 1)[0]
  const after =
    `${before}. Add "${name}" to the dependencies in the package.json of the function and ` +
    `deploy it again. / ` +
    `找不到模块“${name}”,请在云函数的 package.json 的 dependencies 中声明后重新部署。`
  error.stack = error.stack?.replace(before, after)
  error.message = error.message.replace(before, after)
  return error
}

module.exports = { Loader }
