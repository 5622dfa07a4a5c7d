/**
 * Seed scenes of the sea. Each scene is `(ctx, width, height) => void`.
 * They only paint; size, grain and encoding are the caller's.
 */
import { chance, clouds, disc, glitter, glow, gradient, noise, sky, water } from './brush.mjs'
import { strokeLine } from './land.mjs'

export function sunsetSea(ctx, w, h) {
  const horizon = h * 0.58
  sky(ctx, w, h, [
    [0, '#2d3561'],
    [0.22, '#7a4a7e'],
    [0.4, '#e2715f'],
    [0.53, '#ffc27a'],
    [0.6, '#ffe0a3'],
  ])
  clouds(ctx, w, {
    y: h * 0.24,
    spread: h * 0.26,
    count: 9,
    size: 300,
    colour: '255,150,120',
    alpha: 0.28,
    seed: 4,
    flat: 0.14,
  })
  clouds(ctx, w, {
    y: h * 0.4,
    spread: h * 0.12,
    count: 8,
    size: 240,
    colour: '120,60,100',
    alpha: 0.3,
    seed: 9,
    flat: 0.1,
  })
  glow(ctx, w * 0.62, horizon - 40, 620, '255,190,110', 0.8)
  disc(ctx, w * 0.62, horizon - 46, 62, '#fff3cf')
  water(ctx, w, h, { horizon, tint: 'rgba(40,30,70,0.28)', ripple: 10, seed: 3 })
  glitter(ctx, {
    x: w * 0.62,
    horizon,
    height: h,
    width: w,
    spread: 260,
    count: 900,
    colour: '255,214,150',
    alpha: 0.9,
    seed: 11,
  })
  boat(ctx, w * 0.3, horizon + h * 0.12, 1)
  boat(ctx, w * 0.8, horizon + h * 0.035, 0.42)
}

function boat(ctx, x, y, size) {
  ctx.fillStyle = '#22182c'
  ctx.beginPath()
  ctx.moveTo(x - 90 * size, y - 10 * size)
  ctx.quadraticCurveTo(x, y + 26 * size, x + 96 * size, y - 14 * size)
  ctx.lineTo(x + 74 * size, y + 12 * size)
  ctx.quadraticCurveTo(x, y + 30 * size, x - 72 * size, y + 12 * size)
  ctx.fill()
  ctx.fillRect(x - 3 * size, y - 170 * size, 6 * size, 170 * size)
  ctx.beginPath()
  ctx.moveTo(x + 6 * size, y - 165 * size)
  ctx.quadraticCurveTo(x + 86 * size, y - 80 * size, x + 74 * size, y - 22 * size)
  ctx.lineTo(x + 6 * size, y - 18 * size)
  ctx.fill()
}

export function shore(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#0d7f95'],
    [0.28, '#2bb3bd'],
    [0.46, '#7fdcd3'],
    [0.54, '#c9efe0'],
    [0.6, '#ead9b4'],
    [1, '#f1dfba'],
  ])
  const random = chance(5)
  const foam = noise(17, 4)
  ctx.save()
  ctx.globalCompositeOperation = 'overlay'
  ctx.filter = 'blur(5px)'
  for (let index = 0; index < 420; index++) {
    const y = random() * h * 0.48
    ctx.fillStyle = `rgba(${random() > 0.5 ? '255,255,255' : '0,40,70'},${0.05 + random() * 0.13})`
    ctx.beginPath()
    ctx.ellipse(
      random() * w,
      y,
      30 + random() * 110,
      4 + random() * 12,
      (random() - 0.5) * 0.5,
      0,
      Math.PI * 2,
    )
    ctx.fill()
  }
  ctx.restore()
  const wave = (level, thick, alpha, shade) => {
    const edge = (x) =>
      h * level + foam(x / 210 + level * 30) * 70 + Math.sin(x / 260 + level * 9) * 34
    ctx.fillStyle = gradient(ctx, 0, h * level - 160, 0, h * level + 60, [
      [0, 'rgba(255,255,255,0)'],
      [1, `rgba(235,252,246,${alpha * 0.55})`],
    ])
    ctx.beginPath()
    ctx.moveTo(0, h * level - 170)
    for (let x = 0; x <= w; x += 6) ctx.lineTo(x, edge(x))
    ctx.lineTo(w, h * level - 170)
    ctx.fill()
    ctx.strokeStyle = `rgba(120,96,60,${shade})`
    ctx.lineWidth = thick * 1.6
    strokeLine(ctx, w, (x) => edge(x) + thick)
    ctx.strokeStyle = `rgba(255,255,255,${alpha})`
    for (let pass = 0; pass < 5; pass++) {
      ctx.lineWidth = thick * (0.4 + random() * 0.5)
      strokeLine(ctx, w, (x) => edge(x) - pass * 7 + foam(x / 16 + pass * 11 + level) * 16)
    }
  }
  wave(0.4, 7, 0.55, 0)
  wave(0.5, 9, 0.75, 0)
  wave(0.6, 13, 0.95, 0.16)
  for (let index = 0; index < 9000; index++) {
    const y = h * (0.66 + random() * 0.34)
    disc(
      ctx,
      random() * w,
      y,
      random() * 1.8,
      `rgba(${random() > 0.5 ? '160,124,78' : '255,250,230'},0.28)`,
    )
  }
  parasol(ctx, w * 0.66, h * 0.83, 120)
  parasol(ctx, w * 0.27, h * 0.75, 88)
}

function parasol(ctx, x, y, radius) {
  ctx.save()
  ctx.filter = 'blur(9px)'
  disc(ctx, x + radius * 0.4, y + radius * 0.42, radius, 'rgba(90,64,36,0.36)')
  ctx.restore()
  for (let part = 0; part < 12; part++) {
    ctx.fillStyle = part % 2 ? '#fff6ea' : '#e2674a'
    ctx.beginPath()
    ctx.moveTo(x, y)
    ctx.arc(x, y, radius, (part * Math.PI) / 6, ((part + 1) * Math.PI) / 6)
    ctx.fill()
  }
  const shade = ctx.createRadialGradient(x - radius * 0.3, y - radius * 0.3, 0, x, y, radius)
  shade.addColorStop(0, 'rgba(255,255,255,0.3)')
  shade.addColorStop(1, 'rgba(60,20,10,0.25)')
  disc(ctx, x, y, radius, shade)
}

export function lighthouse(ctx, w, h) {
  const horizon = h * 0.62
  sky(ctx, w, h, [
    [0, '#25305c'],
    [0.3, '#5f5a94'],
    [0.5, '#d98d8c'],
    [0.62, '#ffd0a0'],
  ])
  clouds(ctx, w, {
    y: h * 0.3,
    spread: h * 0.3,
    count: 8,
    size: 320,
    colour: '255,160,150',
    alpha: 0.22,
    seed: 33,
    flat: 0.12,
  })
  water(ctx, w, h, { horizon, tint: 'rgba(28,34,74,0.42)', ripple: 9, seed: 41 })
  const x = w * 0.7
  const ground = h * 0.66
  lightBeams(ctx, x, w, h)
  ctx.fillStyle = '#1d1f38'
  ctx.beginPath()
  ctx.moveTo(w * 0.4, h * 0.74)
  ctx.quadraticCurveTo(w * 0.52, h * 0.62, w * 0.66, ground)
  ctx.quadraticCurveTo(w * 0.86, h * 0.6, w, h * 0.63)
  ctx.lineTo(w, h * 0.8)
  ctx.quadraticCurveTo(w * 0.7, h * 0.75, w * 0.4, h * 0.74)
  ctx.fill()
  lightTower(ctx, x, ground, h)
}

/** A banded tower standing on `ground`, lamp lit. */
function lightTower(ctx, x, ground, h) {
  for (let band = 0; band < 5; band++) {
    const up = h * 0.27 + (ground - h * 0.26) * (band / 5)
    const down = h * 0.27 + (ground - h * 0.26) * ((band + 1) / 5)
    const wide = (y) => 24 + ((y - h * 0.27) / (ground - h * 0.27)) * 26
    ctx.fillStyle = gradient(
      ctx,
      x - 50,
      0,
      x + 50,
      0,
      band % 2
        ? [
            [0, '#f6ded0'],
            [1, '#8f7f9a'],
          ]
        : [
            [0, '#c9564d'],
            [1, '#692f4a'],
          ],
    )
    ctx.beginPath()
    ctx.moveTo(x - wide(up), up)
    ctx.lineTo(x + wide(up), up)
    ctx.lineTo(x + wide(down), down)
    ctx.lineTo(x - wide(down), down)
    ctx.fill()
  }
  ctx.fillStyle = '#231f36'
  ctx.fillRect(x - 36, h * 0.262, 72, 10)
  ctx.fillRect(x - 22, h * 0.2, 44, h * 0.064)
  ctx.fillStyle = '#fff2c4'
  ctx.fillRect(x - 16, h * 0.21, 32, h * 0.048)
  ctx.fillStyle = '#a5424a'
  ctx.beginPath()
  ctx.moveTo(x - 30, h * 0.2)
  ctx.lineTo(x, h * 0.155)
  ctx.lineTo(x + 30, h * 0.2)
  ctx.fill()
  glow(ctx, x, h * 0.235, 240, '255,236,180', 0.95)
}

/** The two beams of a lighthouse at `x`. */
function lightBeams(ctx, x, w, h) {
  ctx.save()
  ctx.globalCompositeOperation = 'screen'
  for (const [angle, alpha] of [
    [Math.PI * 1.04, 0.5],
    [-0.06, 0.3],
  ]) {
    ctx.save()
    ctx.translate(x, h * 0.235)
    ctx.rotate(angle)
    ctx.fillStyle = gradient(ctx, 0, 0, w * 0.72, 0, [
      [0, `rgba(255,240,190,${alpha})`],
      [1, 'rgba(255,240,190,0)'],
    ])
    ctx.beginPath()
    ctx.moveTo(0, -6)
    ctx.lineTo(w * 0.75, -90)
    ctx.lineTo(w * 0.75, 90)
    ctx.lineTo(0, 6)
    ctx.fill()
    ctx.restore()
  }
  ctx.restore()
}
