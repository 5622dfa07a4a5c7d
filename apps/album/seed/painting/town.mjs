/**
 * Seed scenes of towns, lights and weather. Each scene is `(ctx, width, height) => void`.
 * They only paint; size, grain and encoding are the caller's.
 */
import {
  bokeh,
  chance,
  disc,
  glitter,
  glow,
  gradient,
  noise,
  pine,
  ridge,
  sky,
  stars,
  water,
} from './brush.mjs'

export function cityNight(ctx, w, h) {
  const horizon = h * 0.7
  sky(ctx, w, h, [
    [0, '#10173d'],
    [0.3, '#353069'],
    [0.52, '#a2567f'],
    [0.64, '#f0936f'],
    [0.72, '#ffcf8f'],
  ])
  stars(ctx, w, h * 0.3, 120, 2)
  glow(ctx, w * 0.36, horizon, 760, '255,200,130', 0.7)
  const random = chance(81)
  for (let layer = 0; layer < 3; layer++) {
    const tone = ['#8a5580', '#4a3a6c', '#1d1c3c'][layer]
    for (let x = -20; x < w; ) {
      const wide = 58 + random() * (50 + layer * 34)
      const tall = h * (0.42 - layer * 0.07) * (0.3 + random() ** 1.6 * 0.9)
      tower(ctx, x, horizon - tall, wide, tall, tone, layer, random)
      x += wide + random() * (layer === 2 ? 90 : 14)
    }
    ctx.fillStyle = gradient(ctx, 0, horizon * 0.5, 0, horizon, [
      [0, 'rgba(255,170,120,0)'],
      [1, `rgba(255,170,120,${0.32 - layer * 0.13})`],
    ])
    ctx.fillRect(0, horizon * 0.5, w, horizon * 0.5)
  }
  water(ctx, w, h, { horizon, tint: 'rgba(24,18,58,0.12)', ripple: 14, seed: 5 })
  const spread = { x: w * 0.4, horizon, height: h, width: w, spread: w * 0.7 }
  glitter(ctx, { ...spread, count: 700, colour: '255,206,150', alpha: 0.6, seed: 6 })
}

function tower(ctx, x, y, wide, tall, tone, layer, random) {
  ctx.fillStyle = tone
  ctx.fillRect(x, y, wide, tall)
  if (random() > 0.6) {
    ctx.fillRect(x + wide * 0.2, y - 16, wide * 0.6, 18)
    ctx.fillRect(x + wide * 0.47, y - tall * 0.2, 4, tall * 0.2)
    glow(ctx, x + wide * 0.47 + 2, y - tall * 0.2, 20, '255,90,80', 1)
  }
  if (layer === 0) return
  const lit = 0.34 + random() * 0.3
  const warm = ['255,214,140', '255,190,110', '255,236,200', '170,214,255']
  const step = 13 + layer * 4
  for (let row = y + 14; row < y + tall - 12; row += step * 1.25) {
    for (let column = x + 9; column < x + wide - step; column += step) {
      if (random() > lit) continue
      ctx.fillStyle = `rgba(${warm[Math.floor(random() * warm.length)]},${0.5 + random() * 0.5})`
      ctx.fillRect(column, row, step * 0.56, step * 0.7)
    }
  }
}

export function snowVillage(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#2b3a66'],
    [0.4, '#6a7ba8'],
    [0.62, '#c6b8c8'],
    [1, '#e6e4ee'],
  ])
  disc(ctx, w * 0.8, h * 0.16, 46, '#fdf6e4')
  glow(ctx, w * 0.8, h * 0.16, 320, '255,246,220', 0.7)
  ridge(ctx, w, h, {
    base: h * 0.5,
    rise: h * 0.16,
    scale: 3,
    seed: 13,
    sharp: 0.85,
    stops: [
      [0, '#b9c5dc'],
      [1, '#98a7c6'],
    ],
  })
  const random = chance(55)
  let line = ridge(ctx, w, h, {
    base: h * 0.6,
    rise: 60,
    scale: 3,
    seed: 4,
    octaves: 3,
    stops: [
      [0, '#cfd8ea'],
      [1, '#b6c2dc'],
    ],
  })
  for (let x = 0; x < w; x += 12 + random() * 22)
    pine(ctx, x, line(x) + 10, 46 + random() * 66, '#5a6d92', random)
  line = ridge(ctx, w, h, {
    base: h * 0.72,
    rise: 70,
    scale: 2,
    seed: 9,
    octaves: 3,
    stops: [
      [0, '#eef2fa'],
      [1, '#c2cce2'],
    ],
  })
  cabin(ctx, w * 0.3, line(w * 0.3) + 40, 1.25)
  cabin(ctx, w * 0.52, line(w * 0.52) + 22, 0.85)
  cabin(ctx, w * 0.68, line(w * 0.68) + 34, 1)
  snowyPines(ctx, w, line, random)
  ridge(ctx, w, h, {
    base: h * 0.88,
    rise: 50,
    scale: 2,
    seed: 41,
    octaves: 2,
    stops: [
      [0, '#f7f9fe'],
      [1, '#dbe2f2'],
    ],
  })
  for (let index = 0; index < 900; index++) {
    disc(
      ctx,
      random() * w,
      random() * h,
      0.8 + random() ** 3 * 5,
      `rgba(255,255,255,${0.3 + random() * 0.5})`,
    )
  }
}

/** Tall pines with snow on their branches, along `line`. */
function snowyPines(ctx, w, line, random) {
  for (const x of [0.06, 0.13, 0.42, 0.83, 0.92]) {
    const tall = 190 + random() * 150
    pine(ctx, w * x, line(w * x) + 70, tall, '#2f4668', random)
    ctx.save()
    ctx.globalAlpha = 0.7
    pine(ctx, w * x - 5, line(w * x) + 44, tall * 0.9, '#e6eefa', chance(7))
    ctx.globalAlpha = 1
    pine(ctx, w * x + 5, line(w * x) + 66, tall * 0.86, '#38507a', chance(9))
    ctx.restore()
  }
}

function cabin(ctx, x, y, size) {
  const s = (value) => value * size
  ctx.fillStyle = '#5b3f3a'
  ctx.fillRect(x - s(70), y - s(70), s(140), s(84))
  ctx.fillStyle = 'rgba(0,0,0,0.16)'
  for (let row = 0; row < 6; row++) ctx.fillRect(x - s(70), y - s(70) + row * s(14), s(140), s(2))
  ctx.fillStyle = '#f7f9ff'
  ctx.beginPath()
  ctx.moveTo(x - s(92), y - s(62))
  ctx.quadraticCurveTo(x - s(40), y - s(100), x, y - s(140))
  ctx.quadraticCurveTo(x + s(40), y - s(100), x + s(92), y - s(62))
  ctx.quadraticCurveTo(x + s(46), y - s(84), x, y - s(112))
  ctx.quadraticCurveTo(x - s(46), y - s(84), x - s(92), y - s(62))
  ctx.fill()
  ctx.fillStyle = '#5b3f3a'
  ctx.beginPath()
  ctx.moveTo(x - s(70), y - s(68))
  ctx.lineTo(x, y - s(112))
  ctx.lineTo(x + s(70), y - s(68))
  ctx.fill()
  for (const left of [-44, 18]) {
    ctx.fillStyle = '#ffd98a'
    ctx.fillRect(x + s(left), y - s(50), s(28), s(30))
    ctx.fillStyle = '#5b3f3a'
    ctx.fillRect(x + s(left + 13), y - s(50), s(2.4), s(30))
    glow(ctx, x + s(left + 14), y - s(36), s(110), '255,200,110', 0.6)
  }
  ctx.fillStyle = 'rgba(255,210,130,0.25)'
  ctx.beginPath()
  ctx.ellipse(x, y + s(26), s(120), s(16), 0, 0, Math.PI * 2)
  ctx.fill()
}

export function lanterns(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#1b0f1e'],
    [0.5, '#3a1420'],
    [1, '#571c1c'],
  ])
  bokeh(ctx, {
    x: 0,
    y: h * 0.3,
    width: w,
    height: h * 0.7,
    count: 90,
    least: 14,
    most: 74,
    colours: ['255,120,60', '255,180,90', '230,60,50'],
    alpha: 0.32,
    seed: 3,
    blur: 5,
  })
  const spots = [
    [0.16, 0.2, 62],
    [0.8, 0.13, 54],
    [0.5, 0.1, 44],
    [0.34, 0.36, 100],
    [0.74, 0.42, 128],
    [0.15, 0.56, 84],
    [0.44, 0.68, 150],
    [0.88, 0.72, 96],
  ]
  for (const [x, y, size] of spots) lantern(ctx, w * x, h * y, size)
}

function lantern(ctx, x, y, r) {
  ctx.strokeStyle = 'rgba(20,8,8,0.8)'
  ctx.lineWidth = 3
  ctx.beginPath()
  ctx.moveTo(x, 0)
  ctx.lineTo(x, y - r)
  ctx.stroke()
  glow(ctx, x, y, r * 3, '255,90,40', 0.6)
  const body = ctx.createRadialGradient(x, y + r * 0.15, r * 0.1, x, y, r * 1.15)
  body.addColorStop(0, '#ffe2a0')
  body.addColorStop(0.35, '#ff8a4a')
  body.addColorStop(0.75, '#d9301f')
  body.addColorStop(1, '#8c1414')
  ctx.fillStyle = body
  ctx.beginPath()
  ctx.ellipse(x, y, r, r * 0.86, 0, 0, Math.PI * 2)
  ctx.fill()
  ctx.strokeStyle = 'rgba(110,14,10,0.5)'
  ctx.lineWidth = Math.max(1.4, r * 0.02)
  for (const reach of [0.2, 0.5, 0.78]) {
    ctx.beginPath()
    ctx.ellipse(x, y, r * reach, r * 0.86, 0, 0, Math.PI * 2)
    ctx.stroke()
  }
  ctx.fillStyle = gradient(ctx, x - r * 0.4, 0, x + r * 0.4, 0, [
    [0, '#8a5a1c'],
    [0.5, '#f8d070'],
    [1, '#8a5a1c'],
  ])
  ctx.fillRect(x - r * 0.38, y - r * 0.96, r * 0.76, r * 0.16)
  ctx.fillRect(x - r * 0.38, y + r * 0.8, r * 0.76, r * 0.16)
  ctx.strokeStyle = '#e8a83c'
  ctx.lineWidth = Math.max(1, r * 0.018)
  for (let strand = -6; strand <= 6; strand++) {
    ctx.beginPath()
    ctx.moveTo(x + strand * r * 0.03, y + r * 0.96)
    ctx.lineTo(x + strand * r * 0.045, y + r * (1.6 + Math.cos(strand) * 0.06))
    ctx.stroke()
  }
}

export function fireworks(ctx, w, h) {
  const horizon = h * 0.74
  sky(ctx, w, h, [
    [0, '#0a0f2a'],
    [0.5, '#1c1f4a'],
    [0.74, '#4c3564'],
  ])
  stars(ctx, w, h * 0.5, 140, 4)
  const shows = [
    [0.34, 0.24, 300, '255,190,90'],
    [0.72, 0.17, 230, '255,110,140'],
    [0.64, 0.44, 260, '130,210,255'],
    [0.2, 0.5, 170, '190,150,255'],
  ]
  const random = chance(73)
  for (const [x, y, reach, colour] of shows) burst(ctx, w * x, h * y, reach, colour, random)
  const line = noise(20, 5)
  ctx.fillStyle = '#120f26'
  ctx.beginPath()
  ctx.moveTo(0, horizon)
  for (let x = 0; x <= w; x += 30) {
    const top = horizon - 40 - Math.abs(line(x / 90)) * 150
    ctx.lineTo(x, top)
    ctx.lineTo(x + 30, top)
  }
  ctx.lineTo(w, horizon)
  ctx.fill()
  for (let index = 0; index < 260; index++) {
    ctx.fillStyle = `rgba(255,${190 + random() * 50},${120 + random() * 60},${0.4 + random() * 0.5})`
    ctx.fillRect(random() * w, horizon - 6 - random() ** 2 * 90, 4, 4)
  }
  water(ctx, w, h, { horizon, tint: 'rgba(10,10,36,0.3)', ripple: 12, seed: 15, squeeze: 2.2 })
}

function burst(ctx, x, y, reach, colour, random) {
  glow(ctx, x, y, reach * 1.5, colour, 0.5)
  ctx.save()
  ctx.globalCompositeOperation = 'screen'
  for (let ray = 0; ray < 130; ray++) {
    const angle = random() * Math.PI * 2
    const length = reach * (0.55 + random() * 0.45)
    const endX = x + Math.cos(angle) * length
    const endY = y + Math.sin(angle) * length + length * 0.12
    ctx.strokeStyle = gradient(ctx, x, y, endX, endY, [
      [0.1, `rgba(${colour},0)`],
      [0.7, `rgba(${colour},0.55)`],
      [1, 'rgba(255,250,235,0.95)'],
    ])
    ctx.lineWidth = 1.4 + random() * 2
    ctx.beginPath()
    ctx.moveTo(x, y)
    ctx.quadraticCurveTo(
      x + Math.cos(angle) * length * 0.6,
      y + Math.sin(angle) * length * 0.55,
      endX,
      endY,
    )
    ctx.stroke()
    disc(ctx, endX, endY, 1.6 + random() * 2.4, `rgba(255,248,230,${0.5 + random() * 0.5})`)
  }
  ctx.restore()
}

export function rainWindow(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#1c2740'],
    [0.5, '#33405c'],
    [1, '#141a2c'],
  ])
  bokeh(ctx, {
    x: 0,
    y: h * 0.25,
    width: w,
    height: h * 0.65,
    count: 110,
    least: 20,
    most: 92,
    colours: ['255,180,90', '255,110,90', '120,190,255', '255,220,160', '90,220,190'],
    alpha: 0.42,
    seed: 8,
    blur: 7,
  })
  const random = chance(27)
  for (let index = 0; index < 620; index++) {
    const x = random() * w
    const y = random() * h
    const r = 1.5 + random() ** 4 * 17
    if (r > 9) trail(ctx, x, y, r, random)
    const drop = ctx.createRadialGradient(x - r * 0.2, y + r * 0.45, r * 0.1, x, y, r)
    drop.addColorStop(0, 'rgba(255,250,240,0.62)')
    drop.addColorStop(0.55, 'rgba(170,190,220,0.2)')
    drop.addColorStop(1, 'rgba(10,14,30,0.55)')
    ctx.fillStyle = drop
    ctx.beginPath()
    ctx.ellipse(x, y, r * 0.86, r, 0, 0, Math.PI * 2)
    ctx.fill()
    disc(ctx, x - r * 0.28, y - r * 0.36, r * 0.16, 'rgba(255,255,255,0.9)')
  }
}

function trail(ctx, x, y, r, random) {
  const tall = 80 + random() * 260
  ctx.fillStyle = gradient(ctx, 0, y - tall, 0, y, [
    [0, 'rgba(200,215,240,0)'],
    [1, 'rgba(200,215,240,0.22)'],
  ])
  ctx.fillRect(x - r * 0.4, y - tall, r * 0.8, tall)
}
