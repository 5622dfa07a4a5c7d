/**
 * Seed scenes of gardens and daily life: flowers, tea, fruit, a cat. Each is `(ctx, width, height) => void`.
 * They only paint; size, grain and encoding are the caller's.
 */
import { bokeh, chance, clouds, disc, glow, gradient, noise, sky } from './brush.mjs'

const TURN = Math.PI * 2

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
  grow(-30, h * 0.2, 0.16, w * 0.26, 38)
  grow(-30, h * 0.75, -0.34, w * 0.2, 26)
  for (const [x, y] of tips) {
    const many = 1 + Math.floor(random() * 3)
    for (let index = 0; index < many; index++) {
      blossom(ctx, x + (random() - 0.5) * 70, y + (random() - 0.5) * 60, 15 + random() * 22, random)
    }
  }
  for (let index = 0; index < 46; index++) {
    ctx.fillStyle = `rgba(255,${190 + random() * 40},${205 + random() * 30},0.85)`
    ctx.beginPath()
    ctx.ellipse(random() * w, random() * h, 8 + random() * 6, 5, random() * TURN, 0, TURN)
    ctx.fill()
  }
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

export function wood(ctx, w, h, seed, dark, light) {
  sky(ctx, w, h, [
    [0, light],
    [1, dark],
  ])
  const grainLine = noise(seed, 4)
  const random = chance(seed)
  for (let index = 0; index < 260; index++) {
    const y = random() * h
    ctx.strokeStyle = `rgba(${random() > 0.5 ? '60,30,12' : '255,225,180'},${0.03 + random() * 0.08})`
    ctx.lineWidth = 1 + random() * 5
    ctx.beginPath()
    for (let x = -10; x <= w + 10; x += 24)
      ctx.lineTo(x, y + grainLine(x / 400 + index * 0.03) * 46)
    ctx.stroke()
  }
  for (let plank = 1; plank < 4; plank++) {
    ctx.fillStyle = 'rgba(40,18,8,0.5)'
    ctx.fillRect(0, (h * plank) / 4, w, 4)
    ctx.fillStyle = 'rgba(255,230,190,0.14)'
    ctx.fillRect(0, (h * plank) / 4 + 4, w, 3)
  }
}

function shadow(ctx, x, y, rx, ry, alpha, blur) {
  ctx.save()
  ctx.filter = `blur(${blur}px)`
  ctx.fillStyle = `rgba(30,12,4,${alpha})`
  ctx.beginPath()
  ctx.ellipse(x, y, rx, ry, 0, 0, TURN)
  ctx.fill()
  ctx.restore()
}

function ring(ctx, x, y, r, light, dark) {
  disc(
    ctx,
    x,
    y,
    r,
    gradient(ctx, x - r, y - r, x + r, y + r, [
      [0, light],
      [1, dark],
    ]),
  )
}

export function tea(ctx, w, h) {
  wood(ctx, w, h, 22, '#7a4a2a', '#b9814f')
  const x = w * 0.46
  const y = h * 0.54
  const r = h * 0.22
  shadow(ctx, x + 40, y + 50, r * 1.75, r * 1.7, 0.5, 34)
  ring(ctx, x, y, r * 1.66, '#fbf6ec', '#c9bca6')
  ring(ctx, x, y, r * 1.56, '#e9e0d0', '#f8f2e6')
  ring(ctx, x, y, r * 1.1, '#d2c6b0', '#efe6d6')
  shadow(ctx, x + 22, y + 26, r * 1.06, r * 1.06, 0.35, 16)
  ctx.strokeStyle = '#efe7d8'
  ctx.lineWidth = r * 0.17
  ctx.beginPath()
  ctx.ellipse(x + r * 1.18, y - r * 0.1, r * 0.32, r * 0.24, -0.2, 0, TURN)
  ctx.stroke()
  ring(ctx, x, y, r * 1.04, '#fffdf8', '#cfc3ae')
  ring(ctx, x, y, r * 0.94, '#a79a84', '#f4ecdd')
  const brew = ctx.createRadialGradient(x - r * 0.2, y - r * 0.2, r * 0.1, x, y, r * 0.92)
  brew.addColorStop(0, '#e39a3c')
  brew.addColorStop(0.6, '#c06a1e')
  brew.addColorStop(1, '#7c3a0e')
  disc(ctx, x, y, r * 0.88, brew)
  ctx.save()
  ctx.filter = 'blur(8px)'
  ctx.fillStyle = 'rgba(255,240,205,0.62)'
  ctx.beginPath()
  ctx.ellipse(x - r * 0.36, y - r * 0.4, r * 0.3, r * 0.12, -0.7, 0, TURN)
  ctx.fill()
  ctx.restore()
  leaf(ctx, x + r * 0.22, y + r * 0.22, r * 0.32, 0.7, '#4e5a20', '#8f9a3c')
  leaf(ctx, w * 0.8, h * 0.24, 120, -0.5, '#4f6b34', '#9db866')
  leaf(ctx, w * 0.86, h * 0.34, 92, 0.5, '#486330', '#88a555')
  for (const [bx, by] of [
    [0.82, 0.72],
    [0.88, 0.78],
    [0.79, 0.81],
  ])
    biscuit(ctx, w * bx, h * by, h * 0.082)
  steam(ctx, x, y, r)
  ctx.fillStyle = gradient(ctx, 0, 0, w, h, [
    [0, 'rgba(255,226,170,0.3)'],
    [0.6, 'rgba(255,226,170,0)'],
    [1, 'rgba(40,14,4,0.3)'],
  ])
  ctx.fillRect(0, 0, w, h)
}

function steam(ctx, x, y, r) {
  ctx.save()
  ctx.filter = 'blur(22px)'
  ctx.strokeStyle = 'rgba(255,250,240,0.3)'
  ctx.lineWidth = 24
  for (const off of [-0.4, 0, 0.4]) {
    ctx.beginPath()
    ctx.moveTo(x + off * r, y)
    ctx.bezierCurveTo(
      x + (off + 0.5) * r,
      y - r * 0.8,
      x + (off - 0.4) * r,
      y - r * 1.4,
      x + (off + 0.3) * r,
      y - r * 2.2,
    )
    ctx.stroke()
  }
  ctx.restore()
}

function biscuit(ctx, x, y, r) {
  shadow(ctx, x + 12, y + 16, r, r, 0.45, 10)
  for (let bump = 0; bump < 22; bump++) {
    disc(
      ctx,
      x + Math.cos((bump / 22) * TURN) * r * 0.92,
      y + Math.sin((bump / 22) * TURN) * r * 0.92,
      r * 0.14,
      '#d79a50',
    )
  }
  ring(ctx, x, y, r * 0.95, '#f3cb88', '#c98a42')
  const random = chance(Math.round(x))
  for (let crumb = 0; crumb < 16; crumb++) {
    disc(
      ctx,
      x + (random() - 0.5) * r * 1.3,
      y + (random() - 0.5) * r * 1.3,
      r * (0.03 + random() * 0.05),
      '#8a5526',
    )
  }
}

function leaf(ctx, x, y, size, turn, dark, light) {
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

export function catWindow(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#f2c9a0'],
    [0.4, '#f7a77c'],
    [0.72, '#d9766e'],
    [1, '#7d4a6a'],
  ])
  glow(ctx, w * 0.66, h * 0.4, 640, '255,236,180', 0.95)
  disc(ctx, w * 0.66, h * 0.4, 92, '#fff5d6')
  clouds(ctx, w, {
    y: h * 0.34,
    spread: h * 0.3,
    count: 7,
    size: 220,
    colour: '255,220,190',
    alpha: 0.34,
    seed: 17,
    flat: 0.18,
  })
  const random = chance(35)
  ctx.fillStyle = '#8a4c62'
  for (let x = -20; x < w; x += 40 + random() * 60) {
    const wide = 60 + random() * 60
    const top = h * (0.66 - random() * 0.09)
    ctx.beginPath()
    ctx.moveTo(x, h)
    ctx.lineTo(x, top)
    ctx.lineTo(x + wide / 2, top - 34)
    ctx.lineTo(x + wide, top)
    ctx.lineTo(x + wide, h)
    ctx.fill()
  }
  ctx.fillStyle = '#3a2230'
  ctx.fillRect(0, 0, 46, h)
  ctx.fillRect(w - 46, 0, 46, h)
  ctx.fillRect(0, 0, w, 46)
  ctx.fillRect(w * 0.5 - 12, 0, 24, h)
  ctx.fillRect(0, h * 0.3, w, 20)
  ctx.fillStyle = gradient(ctx, 0, h * 0.82, 0, h, [
    [0, '#59384a'],
    [0.12, '#3a2433'],
    [1, '#20131f'],
  ])
  ctx.fillRect(0, h * 0.82, w, h)
  cat(ctx, w * 0.3, h * 0.825, h * 0.23)
  plant(ctx, w * 0.8, h * 0.83, random)
  curtain(ctx, w, h)
}

function curtain(ctx, w, h) {
  for (const side of [0, 1]) {
    for (let fold = 0; fold < 6; fold++) {
      const x = side ? w - fold * 26 : fold * 26
      const reach = side ? -40 : 40
      ctx.fillStyle = gradient(ctx, x, 0, x + reach, 0, [
        [0, 'rgba(120,60,70,0.55)'],
        [0.5, 'rgba(250,190,150,0.4)'],
        [1, 'rgba(120,60,70,0.15)'],
      ])
      ctx.beginPath()
      ctx.moveTo(x, 0)
      ctx.lineTo(x + reach, 0)
      ctx.quadraticCurveTo(x + reach * 0.4, h * 0.6, x + reach * 0.9, h * 0.84)
      ctx.lineTo(x, h * 0.84)
      ctx.fill()
    }
  }
}

function cat(ctx, x, y, s) {
  ctx.fillStyle = '#1c111c'
  ctx.beginPath()
  ctx.moveTo(x - s * 0.34, y)
  ctx.bezierCurveTo(
    x - s * 0.46,
    y - s * 0.5,
    x - s * 0.2,
    y - s * 0.62,
    x - s * 0.13,
    y - s * 0.78,
  )
  ctx.bezierCurveTo(
    x - s * 0.26,
    y - s * 0.92,
    x - s * 0.24,
    y - s * 1.05,
    x - s * 0.2,
    y - s * 1.27,
  )
  ctx.lineTo(x - s * 0.06, y - s * 1.1)
  ctx.quadraticCurveTo(x + s * 0.02, y - s * 1.13, x + s * 0.1, y - s * 1.1)
  ctx.lineTo(x + s * 0.24, y - s * 1.27)
  ctx.bezierCurveTo(
    x + s * 0.28,
    y - s * 1.05,
    x + s * 0.3,
    y - s * 0.9,
    x + s * 0.17,
    y - s * 0.78,
  )
  ctx.bezierCurveTo(x + s * 0.26, y - s * 0.6, x + s * 0.34, y - s * 0.4, x + s * 0.3, y)
  ctx.fill()
  ctx.strokeStyle = '#1c111c'
  ctx.lineWidth = s * 0.1
  ctx.lineCap = 'round'
  ctx.beginPath()
  ctx.moveTo(x - s * 0.28, y - s * 0.06)
  ctx.bezierCurveTo(x - s * 0.7, y - s * 0.02, x - s * 0.72, y + s * 0.2, x - s * 0.5, y + s * 0.34)
  ctx.stroke()
  ctx.strokeStyle = 'rgba(255,200,150,0.55)'
  ctx.lineWidth = s * 0.016
  ctx.beginPath()
  ctx.moveTo(x + s * 0.24, y - s * 1.24)
  ctx.bezierCurveTo(
    x + s * 0.29,
    y - s * 1.05,
    x + s * 0.3,
    y - s * 0.9,
    x + s * 0.17,
    y - s * 0.78,
  )
  ctx.bezierCurveTo(x + s * 0.26, y - s * 0.6, x + s * 0.34, y - s * 0.4, x + s * 0.3, y - s * 0.02)
  ctx.stroke()
}

function plant(ctx, x, y, random) {
  for (let stem = 0; stem < 9; stem++) {
    const turn = -Math.PI / 2 + (stem - 4) * 0.24 + (random() - 0.5) * 0.1
    const reach = 110 + random() * 90
    leaf(
      ctx,
      x + Math.cos(turn) * reach * 0.7,
      y - 96 + Math.sin(turn) * reach * 0.7,
      reach * 0.55,
      turn,
      '#2a2a2c',
      '#4f5a44',
    )
  }
  ctx.fillStyle = gradient(ctx, x - 60, 0, x + 60, 0, [
    [0, '#6e3a36'],
    [0.6, '#b0604a'],
    [1, '#7a4038'],
  ])
  ctx.beginPath()
  ctx.moveTo(x - 62, y - 100)
  ctx.lineTo(x + 62, y - 100)
  ctx.lineTo(x + 44, y + 6)
  ctx.lineTo(x - 44, y + 6)
  ctx.fill()
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
    for (let index = 0; index < 15; index++) {
      const along = 0.1 + random() * 0.9
      const x = x0 + (x1 - x0) * along + (random() - 0.5) * 130
      const y = y0 + (y1 - y0) * along + random() * 120 - 20
      mapleLeaf(ctx, x, y, 46 + random() * 62, random() * 2 - 1, random)
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

export function bamboo(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#eaf2cf'],
    [0.5, '#b9d48e'],
    [1, '#4f7f45'],
  ])
  glow(ctx, w * 0.5, h * 0.22, 800, '255,255,225', 0.95)
  const random = chance(88)
  for (let layer = 0; layer < 3; layer++) {
    ctx.save()
    ctx.filter = `blur(${(2 - layer) * 5}px)`
    const [light, dark] = [
      ['#b4cf8a', '#8fb56c'],
      ['#86ad57', '#557f3c'],
      ['#7fa845', '#2c5426'],
    ][layer]
    for (let index = 0; index < 9 - layer * 2; index++) {
      const x = ((index + random() * 0.8) / (9 - layer * 2)) * w
      cane(ctx, x, h, 14 + layer * 15 + random() * 8, light, dark, random)
    }
    ctx.restore()
  }
  for (let index = 0; index < 150; index++) {
    const x = random() * w
    const y = random() ** 1.6 * h * 0.62
    leaf(
      ctx,
      x,
      y,
      36 + random() * 58,
      0.9 + (random() - 0.5) * 1.3,
      random() > 0.5 ? '#3f6b2c' : '#5f8f3a',
      '#b7d877',
    )
  }
  ctx.fillStyle = gradient(ctx, 0, h * 0.6, 0, h, [
    [0, 'rgba(230,240,200,0)'],
    [1, 'rgba(230,240,205,0.5)'],
  ])
  ctx.fillRect(0, 0, w, h)
}

function cane(ctx, x, h, wide, light, dark, random) {
  const lean = (random() - 0.5) * 60
  const joint = wide * (6 + random() * 2)
  for (let y = h; y > -joint; y -= joint) {
    const left = x + lean * (1 - y / h) - wide / 2
    ctx.fillStyle = gradient(ctx, left, 0, left + wide, 0, [
      [0, dark],
      [0.35, light],
      [0.6, light],
      [1, dark],
    ])
    ctx.fillRect(left, y - joint + 4, wide, joint - 4)
    ctx.fillStyle = dark
    ctx.fillRect(left - wide * 0.06, y - joint, wide * 1.12, 5)
    ctx.fillStyle = 'rgba(240,250,220,0.5)'
    ctx.fillRect(left, y - joint + 5, wide, 4)
  }
}

export function lotus(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#cfe3d4'],
    [0.4, '#7fae9c'],
    [1, '#1f5a55'],
  ])
  const random = chance(12)
  for (let index = 0; index < 34; index++) {
    const near = index / 33
    pad(ctx, random() * w, h * (0.22 + near * 0.8), 60 + near * 190, random)
  }
  for (const [x, y, size] of [
    [0.24, 0.46, 0.7],
    [0.78, 0.36, 0.5],
    [0.56, 0.72, 1.5],
  ])
    lotusFlower(ctx, w * x, h * y, 120 * size)
  glow(ctx, w * 0.2, 0, 760, '255,250,225', 0.5)
}

function pad(ctx, x, y, r, random) {
  const tone = random()
  ctx.save()
  ctx.filter = 'blur(6px)'
  ctx.fillStyle = 'rgba(6,40,40,0.35)'
  ctx.beginPath()
  ctx.ellipse(x + 10, y + 12, r, r * 0.42, 0, 0, TURN)
  ctx.fill()
  ctx.restore()
  const fill = ctx.createRadialGradient(x, y, 0, x, y, r)
  fill.addColorStop(0, `rgb(${150 + tone * 50},${190 + tone * 24},${110 + tone * 20})`)
  fill.addColorStop(1, `rgb(${44 + tone * 40},${110 + tone * 40},${70 + tone * 10})`)
  ctx.fillStyle = fill
  ctx.beginPath()
  ctx.moveTo(x, y)
  ctx.ellipse(x, y, r, r * 0.42, random() - 0.5, 0.18 + tone, TURN - 0.12 + tone)
  ctx.fill()
  ctx.strokeStyle = 'rgba(220,240,190,0.26)'
  ctx.lineWidth = 1.6
  ctx.beginPath()
  for (let vein = 0; vein < 14; vein++) {
    ctx.moveTo(x, y)
    ctx.lineTo(
      x + Math.cos((vein / 14) * TURN + tone) * r * 0.86,
      y + Math.sin((vein / 14) * TURN + tone) * r * 0.36,
    )
  }
  ctx.stroke()
}

function lotusFlower(ctx, x, y, r) {
  const petal = (turn, reach, wide, tip) => {
    ctx.save()
    ctx.translate(x, y)
    ctx.rotate(turn)
    ctx.fillStyle = gradient(ctx, 0, 0, 0, -reach, [
      [0, '#fff3ea'],
      [0.55, '#ffd3d8'],
      [1, tip],
    ])
    ctx.beginPath()
    ctx.moveTo(0, r * 0.1)
    ctx.bezierCurveTo(-wide, -reach * 0.25, -wide * 0.85, -reach * 0.75, 0, -reach)
    ctx.bezierCurveTo(wide * 0.85, -reach * 0.75, wide, -reach * 0.25, 0, r * 0.1)
    ctx.fill()
    ctx.strokeStyle = 'rgba(214,96,130,0.25)'
    ctx.lineWidth = 1.4
    ctx.stroke()
    ctx.restore()
  }
  glow(ctx, x, y - r * 0.4, r * 1.8, '255,220,220', 0.4)
  for (const turn of [-1.5, 1.5, -1.12, 1.12]) petal(turn, r * 1.12, r * 0.36, '#ee8fa8')
  for (const turn of [-0.78, 0.78, -0.42, 0.42, 0]) petal(turn, r * 1.2, r * 0.36, '#e87a9a')
  for (const turn of [-0.6, 0.6, -0.22, 0.22]) petal(turn, r * 0.86, r * 0.32, '#f29ab0')
  for (const turn of [-0.95, 0.95, 0]) petal(turn, r * 0.56, r * 0.32, '#f8b4c2')
}

export function persimmons(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#d9cdb8'],
    [0.56, '#c9b99e'],
    [0.58, '#efe6d6'],
    [1, '#d8c9b0'],
  ])
  const random = chance(6)
  ctx.save()
  ctx.globalAlpha = 0.5
  for (let line = 0; line < 220; line++) {
    ctx.fillStyle = `rgba(${random() > 0.5 ? '255,250,240' : '120,96,70'},0.1)`
    ctx.fillRect(random() * w, h * 0.58 + random() * h * 0.42, 60 + random() * 240, 1.6)
  }
  ctx.restore()
  glow(ctx, w * 0.15, h * 0.1, w * 0.8, '255,246,220', 0.75)
  for (const [x, y, r] of [
    [0.56, 0.56, 0.15],
    [0.32, 0.66, 0.17],
    [0.7, 0.72, 0.18],
  ])
    fruit(ctx, w * x, h * y, w * r)
}

function fruit(ctx, x, y, r) {
  shadow(ctx, x + r * 0.5, y + r * 0.78, r * 1.25, r * 0.26, 0.5, 22)
  const skin = ctx.createRadialGradient(x - r * 0.36, y - r * 0.36, r * 0.06, x, y, r * 1.15)
  skin.addColorStop(0, '#ffd08a')
  skin.addColorStop(0.35, '#f58f36')
  skin.addColorStop(0.8, '#d35f1c')
  skin.addColorStop(1, '#8f3812')
  ctx.fillStyle = skin
  ctx.beginPath()
  ctx.ellipse(x, y, r, r * 0.84, 0, 0, TURN)
  ctx.fill()
  ctx.save()
  ctx.filter = 'blur(10px)'
  ctx.fillStyle = 'rgba(255,244,220,0.6)'
  ctx.beginPath()
  ctx.ellipse(x - r * 0.4, y - r * 0.34, r * 0.2, r * 0.12, -0.6, 0, TURN)
  ctx.fill()
  ctx.restore()
  for (const turn of [-0.1, 1.5, 3.2, 4.7])
    leaf(
      ctx,
      x + Math.cos(turn) * r * 0.22,
      y - r * 0.7 + Math.sin(turn) * r * 0.08,
      r * 0.27,
      Math.sin(turn) * 0.4 + (Math.cos(turn) < 0 ? Math.PI : 0),
      '#4a5228',
      '#8c9350',
    )
  ctx.fillStyle = '#5a4326'
  ctx.fillRect(x - r * 0.035, y - r * 0.98, r * 0.07, r * 0.28)
}
