/**
 * Leaves and blossoms, and the scenes made of them. Each scene is `(ctx, width, height) => void`.
 * They only paint; size, grain and encoding are the caller's.
 */
import { bokeh, chance, clouds, disc, glow, gradient, sky } from './brush.mjs'

export const TURN = Math.PI * 2

export function leaf(ctx, x, y, size, turn, dark, light) {
  ctx.save()
  ctx.translate(x, y)
  ctx.rotate(turn)
  ctx.fillStyle = gradient(ctx, -size, -size * 0.3, size, size * 0.3, [
    [0, light],
    [1, dark],
  ])
  ctx.beginPath()
  ctx.moveTo(-size, 0)
  ctx.quadraticCurveTo(0, -size * 0.62, size, 0)
  ctx.quadraticCurveTo(0, size * 0.62, -size, 0)
  ctx.fill()
  ctx.strokeStyle = 'rgba(240,250,210,0.5)'
  ctx.lineWidth = Math.max(1, size * 0.02)
  ctx.beginPath()
  ctx.moveTo(-size, 0)
  ctx.lineTo(size, 0)
  for (let vein = -3; vein <= 3; vein++) {
    ctx.moveTo((vein * size) / 4, 0)
    ctx.lineTo((vein * size) / 4 + size * 0.18, -size * 0.2)
    ctx.moveTo((vein * size) / 4, 0)
    ctx.lineTo((vein * size) / 4 + size * 0.18, size * 0.2)
  }
  ctx.stroke()
  ctx.restore()
}

export function poppies(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#f6d9a8'],
    [0.35, '#d8d79a'],
    [0.7, '#7f9c54'],
    [1, '#41602f'],
  ])
  glow(ctx, w * 0.75, h * 0.08, 760, '255,244,200', 0.95)
  bokeh(ctx, {
    x: 0,
    y: h * 0.1,
    width: w,
    height: h * 0.55,
    count: 90,
    least: 16,
    most: 62,
    colours: ['255,140,90', '255,210,130', '220,230,140'],
    alpha: 0.4,
    seed: 5,
    blur: 6,
  })
  const random = chance(46)
  const flowers = []
  for (let index = 0; index < 62; index++) {
    const near = random() ** 1.4
    flowers.push({
      x: random() * w * 1.06 - w * 0.03,
      y: h * (0.36 + near * 0.5) + random() * 40,
      size: 16 + near * 86,
      near,
    })
  }
  flowers.sort((one, other) => one.near - other.near)
  for (const flower of flowers) {
    ctx.save()
    ctx.filter = `blur(${Math.max(0, (0.62 - flower.near) * 13 + (flower.near > 0.9 ? 5 : 0))}px)`
    ctx.strokeStyle = `rgb(${70 + flower.near * 20},${110 + flower.near * 10},56)`
    ctx.lineWidth = 2 + flower.near * 5
    ctx.beginPath()
    ctx.moveTo(flower.x, flower.y)
    ctx.quadraticCurveTo(
      flower.x + 26,
      flower.y + flower.size * 2,
      flower.x + (random() - 0.5) * 60,
      h + 40,
    )
    ctx.stroke()
    poppy(ctx, flower.x, flower.y, flower.size, random)
    ctx.restore()
  }
}

function poppy(ctx, x, y, r, random) {
  for (let petal = 0; petal < 5; petal++) {
    const angle = petal * (TURN / 5) + random() * 0.3
    const reach = r * 0.46
    const px = x + Math.cos(angle) * reach
    const py = y + Math.sin(angle) * reach * 0.72
    const fill = ctx.createRadialGradient(x, y, r * 0.08, px, py, r * 0.8)
    fill.addColorStop(0, '#a81f1c')
    fill.addColorStop(0.45, '#e2452c')
    fill.addColorStop(1, '#ff8a58')
    ctx.fillStyle = fill
    ctx.beginPath()
    ctx.ellipse(px, py, r * 0.62, r * 0.46, angle, 0, TURN)
    ctx.fill()
  }
  disc(ctx, x, y, r * 0.17, '#2c1a22')
  for (let dot = 0; dot < 12; dot++) {
    disc(ctx, x + Math.cos(dot) * r * 0.24, y + Math.sin(dot) * r * 0.2, r * 0.03, '#f4d27a')
  }
}

export function cherry(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#a9cfe8'],
    [0.6, '#dcecf2'],
    [1, '#f9ece6'],
  ])
  clouds(ctx, w, {
    y: h * 0.6,
    spread: h * 0.4,
    count: 6,
    size: 240,
    colour: '255,255,255',
    alpha: 0.3,
    seed: 2,
    flat: 0.3,
  })
  bokeh(ctx, {
    x: 0,
    y: 0,
    width: w,
    height: h,
    count: 60,
    least: 24,
    most: 90,
    colours: ['255,214,224', '255,235,238'],
    alpha: 0.35,
    seed: 9,
    blur: 10,
  })
  const random = chance(64)
  const tips = []
  const grow = branches(ctx, random, tips)
  grow(-30, h * 0.2, 0.16, w * 0.26, 38)
  grow(-30, h * 0.75, -0.34, w * 0.2, 26)
  for (const [x, y] of tips) {
    const many = 1 + Math.floor(random() * 2)
    for (let index = 0; index < many; index++) {
      blossom(ctx, x + (random() - 0.5) * 70, y + (random() - 0.5) * 60, 14 + random() * 20, random)
    }
  }
  for (let index = 0; index < 46; index++) {
    ctx.fillStyle = `rgba(255,${190 + random() * 40},${205 + random() * 30},0.85)`
    ctx.beginPath()
    ctx.ellipse(random() * w, random() * h, 8 + random() * 6, 5, random() * TURN, 0, TURN)
    ctx.fill()
  }
}

/** Draws a branch that forks until it is thin; the ends are gathered in `tips`. */
function branches(ctx, random, tips) {
  const grow = (x, y, angle, length, thick) => {
    const endX = x + Math.cos(angle) * length
    const endY = y + Math.sin(angle) * length
    ctx.strokeStyle = thick > 12 ? '#4d3633' : '#6b4a46'
    ctx.lineWidth = thick
    ctx.lineCap = 'round'
    ctx.beginPath()
    ctx.moveTo(x, y)
    ctx.quadraticCurveTo(
      (x + endX) / 2 + (random() - 0.5) * length * 0.2,
      (y + endY) / 2 + (random() - 0.5) * length * 0.2,
      endX,
      endY,
    )
    ctx.stroke()
    if (thick < 16) tips.push([endX, endY], [(x + endX) / 2, (y + endY) / 2])
    if (thick < 3) return
    const forks = random() > 0.5 ? 3 : 2
    for (let fork = 0; fork < forks; fork++) {
      grow(
        endX,
        endY,
        angle + (random() - 0.5) * 1.25,
        length * (0.62 + random() * 0.24),
        thick * 0.64,
      )
    }
  }
  return grow
}

function blossom(ctx, x, y, r, random) {
  const turn = random() * TURN
  const pale = random()
  for (let petal = 0; petal < 5; petal++) {
    const angle = turn + petal * (TURN / 5)
    const px = x + Math.cos(angle) * r * 0.55
    const py = y + Math.sin(angle) * r * 0.55
    const fill = ctx.createRadialGradient(x, y, 0, px, py, r * 0.7)
    fill.addColorStop(0, '#f08aa6')
    fill.addColorStop(0.5, `rgb(255,${200 + pale * 30},${212 + pale * 24})`)
    fill.addColorStop(1, '#fff6f7')
    ctx.fillStyle = fill
    ctx.beginPath()
    ctx.ellipse(px, py, r * 0.52, r * 0.4, angle, 0, TURN)
    ctx.fill()
  }
  for (let dot = 0; dot < 8; dot++) {
    disc(
      ctx,
      x + Math.cos(dot * 0.8 + turn) * r * 0.26,
      y + Math.sin(dot * 0.8 + turn) * r * 0.26,
      r * 0.05,
      '#d9a13c',
    )
  }
}

export function maple(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#f7d9a0'],
    [0.5, '#e9a35c'],
    [1, '#8c4a2c'],
  ])
  bokeh(ctx, {
    x: 0,
    y: 0,
    width: w,
    height: h,
    count: 120,
    least: 26,
    most: 110,
    colours: ['255,190,90', '255,120,60', '255,226,160', '230,80,40'],
    alpha: 0.34,
    seed: 31,
    blur: 9,
  })
  glow(ctx, w * 0.2, h * 0.1, 640, '255,240,200', 0.8)
  const random = chance(29)
  ctx.strokeStyle = '#43271f'
  ctx.lineCap = 'round'
  for (const [x0, y0, x1, y1, thick] of [
    [w, h * 0.06, w * 0.36, h * 0.34, 18],
    [w * 0.78, h * 0.16, w * 0.56, h * 0.56, 9],
    [w * 0.9, h * 0.1, w * 0.84, h * 0.7, 8],
  ]) {
    ctx.lineWidth = thick
    ctx.beginPath()
    ctx.moveTo(x0, y0)
    ctx.quadraticCurveTo((x0 + x1) / 2 + 40, (y0 + y1) / 2 - 50, x1, y1)
    ctx.stroke()
    for (let index = 0; index < 26; index++) {
      const along = 0.1 + random() * 0.9
      const x = x0 + (x1 - x0) * along + (random() - 0.5) * 210
      const y = y0 + (y1 - y0) * along + random() * 120 - 20
      mapleLeaf(ctx, x, y, 58 + random() * 84, random() * 2 - 1, random)
    }
  }
}

function mapleLeaf(ctx, x, y, r, turn, random) {
  const tips = [
    [-2.5, 0.62],
    [-1.98, 0.4],
    [-1.35 - 0.6, 0.9],
    [-1.2 - 0.45, 0.45],
    [-Math.PI / 2, 1.12],
  ]
  const outline = [
    ...tips,
    ...tips
      .slice(0, 4)
      .reverse()
      .map(([angle, reach]) => [-Math.PI - angle, reach]),
  ]
  ctx.save()
  ctx.translate(x, y)
  ctx.rotate(turn + Math.PI)
  const warm = random()
  ctx.fillStyle = gradient(ctx, 0, -r, 0, r * 0.4, [
    [0, `rgb(${214 + warm * 40},${60 + warm * 110},34)`],
    [1, `rgb(${150 + warm * 70},${26 + warm * 60},24)`],
  ])
  ctx.beginPath()
  ctx.moveTo(0, r * 0.12)
  outline.forEach(([angle, reach], index) => {
    const px = Math.cos(angle) * r * reach
    const py = Math.sin(angle) * r * reach
    if (index) {
      const [before] = outline[index - 1]
      const middle = (angle + before) / 2
      ctx.quadraticCurveTo(Math.cos(middle) * r * 0.36, Math.sin(middle) * r * 0.36, px, py)
    } else ctx.lineTo(px, py)
  })
  ctx.closePath()
  ctx.fill()
  ctx.strokeStyle = 'rgba(255,220,150,0.5)'
  ctx.lineWidth = 1.4
  ctx.beginPath()
  for (const [angle, reach] of outline) {
    ctx.moveTo(0, r * 0.1)
    ctx.lineTo(Math.cos(angle) * r * reach * 0.86, Math.sin(angle) * r * reach * 0.86)
  }
  ctx.stroke()
  ctx.strokeStyle = '#6b2b1e'
  ctx.lineWidth = 2.4
  ctx.beginPath()
  ctx.moveTo(0, r * 0.1)
  ctx.lineTo(r * 0.06, r * 0.6)
  ctx.stroke()
  ctx.restore()
}
