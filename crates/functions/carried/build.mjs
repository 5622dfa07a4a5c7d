/**
 * Bundles the copies of wx-server-sdk that the binary carries: one file per version in
 * dist/wx-server-sdk-VERSION/, beside the package.json a program may ask for.
 *
 * Run `npm ci && node build.mjs` in this folder. It changes nothing in the SDKs: no minifying, no
 * renaming, no replaced modules. It refuses to write a bundle that needs a file outside itself.
 */

import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const aliases = ['wx-server-sdk-4', 'wx-server-sdk-2']

/** The licence files of every package whose code is in the bundle, as one text. */
async function licencesOf(metafile) {
  const roots = new Set()
  for (const input of Object.keys(metafile.inputs)) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)
    if (match) roots.add(match[1])
  }
  const parts = []
  for (const root of [...roots].sort()) {
    const manifest = JSON.parse(await readFile(join(here, root, 'package.json'), 'utf8'))
    let text = ''
    for (const name of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license', 'License']) {
      text ||= await readFile(join(here, root, name), 'utf8').catch(() => '')
    }
    parts.push(`${manifest.name} ${manifest.version} (${manifest.license ?? 'see text'})\n${text}`)
  }
  return parts.join('\n----------------------------------------\n')
}

/**
 * The vendor's node-sdk reads its own version from the package.json two folders up. A bundle has no
 * such folder, so that file is put beside it under another name and the path follows.
 */
const versionFile = (target) => ({
  name: 'version-file',
  setup(builder) {
    builder.onLoad({ filter: /node-sdk\/dist\/utils\/version\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      const contents = text.replace("'../../package.json'", "'node-sdk.json'")
      if (contents === text) throw new Error(`${path}: the version is read in another way now`)
      const manifest = JSON.parse(await readFile(join(dirname(path), '../../package.json'), 'utf8'))
      const { name, version } = manifest
      await writeFile(join(target, 'node-sdk.json'), `${JSON.stringify({ name, version })}\n`)
      return { contents }
    })
  },
})

async function bundle(alias) {
  const source = join(here, 'node_modules', alias)
  const manifest = JSON.parse(await readFile(join(source, 'package.json'), 'utf8'))
  const target = join(here, 'dist', `${manifest.name}-${manifest.version}`)
  await rm(target, { recursive: true, force: true })
  await mkdir(target, { recursive: true })
  const { warnings, metafile } = await build({
    absWorkingDir: here,
    entryPoints: [join(source, manifest.main)],
    outfile: join(target, 'index.js'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    legalComments: 'inline',
    metafile: true,
    plugins: [versionFile(target)],
    logLevel: 'warning',
  })
  if (warnings.some((warning) => warning.id === 'unsupported-require-call')) {
    throw new Error(`${alias}: a require() in it cannot be bundled; see the warning above`)
  }
  const { name, version, description, license, repository } = manifest
  const kept = { name, version, description, main: 'index.js', license, repository }
  await writeFile(join(target, 'package.json'), `${JSON.stringify(kept, null, 2)}\n`)
  await writeFile(join(target, 'LICENSES.txt'), await licencesOf(metafile))
  await copyFile(join(source, 'LICENSE'), join(target, 'LICENSE'))
  const loaded = createRequire(import.meta.url)(join(target, 'index.js'))
  if (typeof loaded.init !== 'function') throw new Error(`${alias}: the bundle has no init()`)
}

for (const alias of aliases) await bundle(alias)
