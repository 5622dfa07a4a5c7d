/**
 * Seed scenes of a day at home: tea, fruit, a cat at the window. Each scene is `(ctx, width,
 * height) => void`. They only paint; size, grain and encoding are the caller's.
 */
import { chance, clouds, disc, glow, gradient, noise, sky } from './brush.mjs'
import { leaf, TURN } from './leaves.mjs'

function wood(ctx, w, h, seed, dark, light) {
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
