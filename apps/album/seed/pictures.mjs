/**
 * Paints the seed pictures as JPEG files into seed/pictures/: about 1200 px, landscape and
 * portrait, some stored sideways with EXIF orientation 6 as phones do. Deterministic; no
 * downloads. Run: `node seed/pictures.mjs [--only name] [--force]`. Files that exist are kept
 * unless forced.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createCanvas } from '@napi-rs/canvas'
import { finish } from './painting/brush.mjs'
import * as land from './painting/land.mjs'
import * as leaves from './painting/leaves.mjs'
import * as rooms from './painting/rooms.mjs'
import * as sea from './painting/sea.mjs'
import * as sky from './painting/sky.mjs'
import * as town from './painting/town.mjs'
import * as woods from './painting/woods.mjs'

const WIDE = [1200, 800]
const TALL = [810, 1080]
const SQUARE = [960, 960]

/**
 * Every picture: file name, painter, size, and whether it is stored rotated with EXIF orientation
 * 6.
 */
export const PICTURES = [
  { name: 'mist-mountains', paint: land.mistMountains, size: WIDE },
  { name: 'golden-pines', paint: land.goldenPines, size: TALL, sideways: true },
  { name: 'dunes', paint: land.dunes, size: WIDE },
  { name: 'milky-way', paint: sky.milkyWay, size: TALL },
  { name: 'aurora', paint: sky.aurora, size: WIDE },
  { name: 'balloons', paint: sky.balloons, size: WIDE },
  { name: 'snow-village', paint: town.snowVillage, size: WIDE },
  { name: 'mirror-peak', paint: land.mirrorPeak, size: WIDE },
  { name: 'terraces', paint: land.terraces, size: WIDE },
  { name: 'forest-light', paint: woods.forestLight, size: TALL },
  { name: 'sunset-sea', paint: sea.sunsetSea, size: WIDE },
  { name: 'shore', paint: sea.shore, size: TALL, sideways: true },
  { name: 'lighthouse', paint: sea.lighthouse, size: WIDE },
  { name: 'city-night', paint: town.cityNight, size: WIDE },
  { name: 'moon-lake', paint: sky.moonLake, size: TALL },
  { name: 'fireworks', paint: town.fireworks, size: TALL },
  { name: 'rain-window', paint: town.rainWindow, size: TALL },
  { name: 'lanterns', paint: town.lanterns, size: TALL, sideways: true },
  { name: 'cherry', paint: leaves.cherry, size: WIDE },
  { name: 'poppies', paint: leaves.poppies, size: WIDE },
  { name: 'lavender', paint: woods.lavender, size: WIDE },
  { name: 'lotus', paint: woods.lotus, size: WIDE },
  { name: 'bamboo', paint: woods.bamboo, size: TALL },
  { name: 'maple', paint: leaves.maple, size: WIDE },
  { name: 'tea', paint: rooms.tea, size: WIDE },
  { name: 'persimmons', paint: rooms.persimmons, size: SQUARE },
  { name: 'cat-window', paint: rooms.catWindow, size: TALL },
]

/** Where the files lie. */
export const PICTURE_DIR = fileURLToPath(new URL('./pictures/', import.meta.url))

/**
 * Puts an EXIF block saying "turn a quarter clockwise to see" right behind the JPEG's start mark.
 */
function withOrientation6(jpeg) {
  const tiff = Buffer.from('4d4d002a00000008000101120003000000010006000000000000', 'hex')
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff])
  const head = Buffer.alloc(4)
  head.writeUInt16BE(0xffe1, 0)
  head.writeUInt16BE(body.length + 2, 2)
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)])
}

function paint(picture, index) {
  const [width, height] = picture.size
  const canvas = createCanvas(width, height)
  const ctx = canvas.getContext('2d')
  picture.paint(ctx, width, height)
  finish(ctx, width, height, 1000 + index)
  if (!picture.sideways) return canvas.toBuffer('image/jpeg', 86)
  const turned = createCanvas(height, width)
  const turnedCtx = turned.getContext('2d')
  turnedCtx.translate(0, width)
  turnedCtx.rotate(-Math.PI / 2)
  turnedCtx.drawImage(canvas, 0, 0)
  return withOrientation6(turned.toBuffer('image/jpeg', 86))
}

/**
 * Paints what is missing and returns how many were painted. `part` of `parts`: every so manieth
 * picture, so that several processes share the work.
 */
export function paintAll({ only, force, part = 0, parts = 1 } = {}) {
  mkdirSync(PICTURE_DIR, { recursive: true })
  let painted = 0
  PICTURES.forEach((picture, index) => {
    const file = join(PICTURE_DIR, `${picture.name}.jpg`)
    if ((only && only !== picture.name) || (!force && existsSync(file))) return
    if (index % parts !== part) return
    writeFileSync(file, paint(picture, index))
    painted += 1
  })
  return painted
}

/** One process per processor: painting is nothing but computing. */
async function paintTogether(parts) {
  const here = fileURLToPath(import.meta.url)
  const painters = Array.from({ length: parts }, async (_, part) => {
    const shared = ['--part', String(part), '--parts', String(parts)]
    const painter = fork(here, [...process.argv.slice(2), ...shared])
    const [code] = await once(painter, 'exit')
    if (code !== 0) process.exitCode = 1
  })
  await Promise.all(painters)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      force: { type: 'boolean' },
      part: { type: 'string' },
      parts: { type: 'string' },
    },
  })
  if (values.parts === undefined && values.only === undefined) {
    await paintTogether(availableParallelism())
  } else {
    const { part, parts } = { part: Number(values.part ?? 0), parts: Number(values.parts ?? 1) }
    const painted = paintAll({ only: values.only, force: values.force, part, parts })
    console.log(`已画 ${painted} 张 / painted ${painted} pictures in seed/pictures`)
  }
}
