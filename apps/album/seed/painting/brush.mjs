/**
 * Brushes for the seed pictures: seeded chance, noise, skies, ridges, glows, clouds, water, grain.
 * Everything is a function of its arguments, so the same picture comes out on every run.
 * It paints only; it never reads files, the clock or the network.
 */
import { createCanvas } from '@napi-rs/canvas'

/** A seeded source of numbers in [0, 1). */
export function chance(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/**
 * One-dimensional noise in about [-1, 1] with `octaves` layers of detail; `ridged` folds every
 * layer into sharp crests, as on mountains.
 */
export function noise(seed, octaves = 5, ridged = false) {
  const random = chance(seed)
  const table = Array.from({ length: 512 }, () => random() * 2 - 1)
  const single = (x) => {
    const cell = Math.floor(x)
    const part = x - cell
    const ease = part * part * (3 - 2 * part)
    // Gradient noise: slopes are drawn, not heights, so that hills have no flat tops.
    const left = table[cell & 511] * part
    const right = table[(cell + 1) & 511] * (part - 1)
    return (left + (right - left) * ease) * 2.4
  }
  return (x) => {
    let sum = 0
    let weight = 0.5
    let scale = 1
    for (let layer = 0; layer < octaves; layer++) {
      const value = single(x * scale + layer * 57.3)
      sum += (ridged ? 0.9 - 2.2 * Math.abs(value) : value) * weight
      weight *= 0.5
      scale *= 2.03
    }
    return sum
  }
}

/** A linear gradient from (x0, y0) to (x1, y1) with `[offset, colour]` stops. */
export function gradient(ctx, x0, y0, x1, y1, stops) {
  const fill = ctx.createLinearGradient(x0, y0, x1, y1)
  for (const [offset, colour] of stops) fill.addColorStop(offset, colour)
  return fill
}

/** Fills the whole picture, top to bottom. */
export function sky(ctx, width, height, stops) {
  ctx.fillStyle = gradient(ctx, 0, 0, 0, height, stops)
  ctx.fillRect(0, 0, width, height)
}

/** A soft round light; `colour` is `r,g,b`. */
export function glow(ctx, x, y, radius, colour, alpha = 1, mode = 'screen') {
  ctx.save()
  ctx.globalCompositeOperation = mode
  const fill = ctx.createRadialGradient(x, y, 0, x, y, radius)
  fill.addColorStop(0, `rgba(${colour},${alpha})`)
  fill.addColorStop(0.25, `rgba(${colour},${alpha * 0.55})`)
  fill.addColorStop(0.6, `rgba(${colour},${alpha * 0.14})`)
  fill.addColorStop(1, `rgba(${colour},0)`)
  ctx.fillStyle = fill
  ctx.fillRect(x - radius, y - radius, radius * 2, radius * 2)
  ctx.restore()
}

/** A filled circle. */
export function disc(ctx, x, y, radius, fill) {
  ctx.fillStyle = fill
  ctx.beginPath()
  ctx.arc(x, y, radius, 0, Math.PI * 2)
  ctx.fill()
}

/**
 * A mountain line: `base` and `rise` in pixels, `scale` = bumps per picture width. Returns y(x).
 */
export function ridge(
  ctx,
  width,
  height,
  { base, rise, scale, seed, stops, octaves = 6, sharp = 0 },
) {
  const shape = noise(seed, octaves)
  const crests = noise(seed + 1, octaves, true)
  const line = (x) => {
    const along = (x / width) * scale + seed
    const raw = shape(along)
    const peak = raw * (1 - sharp) + crests(along) * sharp
    return base - peak * rise
  }
  ctx.fillStyle = gradient(ctx, 0, base - rise * 0.8, 0, base + rise * 1.6, stops)
  ctx.beginPath()
  ctx.moveTo(0, height)
  for (let x = 0; x <= width; x += 3) ctx.lineTo(x, line(x))
  ctx.lineTo(width, line(width))
  ctx.lineTo(width, height)
  ctx.fill()
  return line
}

/** Stars of mixed size and brightness above `bottom`. */
export function stars(ctx, width, bottom, count, seed) {
  const random = chance(seed)
  for (let index = 0; index < count; index++) {
    const bright = random() ** 3
    const x = random() * width
    const y = random() * bottom
    disc(
      ctx,
      x,
      y,
      0.6 + bright * 1.7,
      `rgba(255,${240 + bright * 15},${225 + random() * 30},${0.25 + bright * 0.75})`,
    )
    if (bright > 0.85) glow(ctx, x, y, 16, '200,220,255', 0.5)
  }
}

/** Banks of soft cloud: blurred, flattened discs around a few centres. */
export function clouds(
  ctx,
  width,
  { y, spread, count, size, colour, alpha, seed, flat = 0.3, blur = 26 },
) {
  const random = chance(seed)
  ctx.save()
  ctx.filter = `blur(${blur}px)`
  for (let bank = 0; bank < count; bank++) {
    const centreX = random() * width * 1.2 - width * 0.1
    const centreY = y + (random() - 0.5) * spread
    const reach = size * (0.6 + random())
    for (let puff = 0; puff < 9; puff++) {
      ctx.fillStyle = `rgba(${colour},${alpha * (0.4 + random() * 0.6)})`
      ctx.beginPath()
      const offset = (random() - 0.5) * reach * 2
      const radius = reach * (0.25 + random() * 0.5) * (1 - Math.abs(offset) / reach / 1.6)
      ctx.ellipse(
        centreX + offset,
        centreY + (random() - 0.5) * reach * flat * 0.6,
        Math.max(8, radius),
        Math.max(5, radius * flat),
        0,
        0,
        Math.PI * 2,
      )
      ctx.fill()
    }
  }
  ctx.restore()
}

/** Out-of-focus lights. `colours` are `r,g,b`. */
export function bokeh(
  ctx,
  { x, y, width, height, count, least, most, colours, alpha, seed, blur = 3 },
) {
  const random = chance(seed)
  ctx.save()
  ctx.globalCompositeOperation = 'screen'
  ctx.filter = `blur(${blur}px)`
  for (let index = 0; index < count; index++) {
    const radius = least + random() ** 2 * (most - least)
    const colour = colours[Math.floor(random() * colours.length)]
    const centreX = x + random() * width
    const centreY = y + random() * height
    const fill = ctx.createRadialGradient(centreX, centreY, 0, centreX, centreY, radius)
    const strength = alpha * (0.35 + random() * 0.65)
    fill.addColorStop(0, `rgba(${colour},${strength * 0.65})`)
    fill.addColorStop(0.82, `rgba(${colour},${strength})`)
    fill.addColorStop(1, `rgba(${colour},0)`)
    disc(ctx, centreX, centreY, radius, fill)
  }
  ctx.restore()
}

/**
 * Mirrors what lies above `horizon` into rippling water below it. `tint` is a CSS colour laid
 * over.
 */
export function water(
  ctx,
  width,
  height,
  { horizon, tint, ripple = 6, seed, squeeze = 1, fade = 0.9 },
) {
  const above = createCanvas(width, Math.ceil(horizon))
  above.getContext('2d').drawImage(ctx.canvas, 0, 0)
  const wave = noise(seed, 3)
  const depth = height - horizon
  ctx.save()
  ctx.filter = 'blur(1.6px)'
  for (let row = 0; row < depth; row += 2) {
    const near = row / depth
    const source = Math.max(0, horizon - 2 - row * squeeze)
    const shift = wave(row * (0.35 - near * 0.25)) * ripple * (0.3 + near * 2.2)
    ctx.drawImage(above, 0, source, width, 3, shift - 12, horizon + row, width + 24, 3)
  }
  ctx.restore()
  ctx.fillStyle = gradient(ctx, 0, horizon, 0, height, [
    [0, tint],
    [fade, tint.replace(/[\d.]+\)$/, '0.75)')],
  ])
  ctx.fillRect(0, horizon, width, depth)
}

/** Short bright dashes on water below `horizon`, dense around `x`. */
export function glitter(ctx, { x, horizon, height, width, spread, count, colour, alpha, seed }) {
  const random = chance(seed)
  ctx.save()
  ctx.globalCompositeOperation = 'screen'
  ctx.filter = 'blur(0.8px)'
  for (let index = 0; index < count; index++) {
    const near = random() ** 1.5
    const y = horizon + 4 + near * (height - horizon)
    const off = (random() + random() + random() - 1.5) * spread * (0.35 + near)
    const length = 6 + near * 60 * random()
    ctx.fillStyle = `rgba(${colour},${alpha * random() * (1 - Math.min(1, Math.abs(off) / width))})`
    ctx.beginPath()
    ctx.ellipse(x + off, y, length, 0.8 + near * 2.4, 0, 0, Math.PI * 2)
    ctx.fill()
  }
  ctx.restore()
}

/** A pine tree standing on (x, y). */
export function pine(ctx, x, y, height, fill, random) {
  ctx.fillStyle = fill
  ctx.beginPath()
  ctx.moveTo(x, y - height)
  const tiers = 9
  const side = (direction) => {
    const points = []
    for (let tier = 1; tier <= tiers; tier++) {
      const reach = (tier / tiers) ** 0.9 * height * 0.22 * (0.8 + random() * 0.4)
      const level = y - height + (height * 0.95 * tier) / tiers
      points.push(
        [x + direction * reach, level],
        [x + direction * reach * 0.45, level - height * 0.015],
      )
    }
    return points
  }
  for (const [px, py] of side(1)) ctx.lineTo(px, py)
  for (const [px, py] of side(-1).reverse()) ctx.lineTo(px, py)
  ctx.closePath()
  ctx.fill()
  ctx.fillRect(x - height * 0.012, y - height * 0.08, height * 0.024, height * 0.1)
}

/** The last touch: a gentle vignette and film grain. */
export function finish(ctx, width, height, seed, { vignette = 0.28, grain = 7 } = {}) {
  const shade = ctx.createRadialGradient(
    width / 2,
    height / 2,
    Math.min(width, height) * 0.45,
    width / 2,
    height / 2,
    Math.hypot(width, height) * 0.58,
  )
  shade.addColorStop(0, 'rgba(0,0,0,0)')
  shade.addColorStop(1, `rgba(10,6,12,${vignette})`)
  ctx.fillStyle = shade
  ctx.fillRect(0, 0, width, height)
  const random = chance(seed)
  const image = ctx.getImageData(0, 0, width, height)
  const pixels = image.data
  for (let index = 0; index < pixels.length; index += 4) {
    const speck = (random() + random() - 1) * grain
    pixels[index] += speck
    pixels[index + 1] += speck
    pixels[index + 2] += speck
  }
  ctx.putImageData(image, 0, 0)
}
