/**
 * Seed scenes of land, sea and sky by day and dusk. Each is `(ctx, width, height) => void`.
 * They only paint; size, grain and encoding are the caller's.
 */
import {
  bokeh,
  chance,
  clouds,
  disc,
  glitter,
  glow,
  gradient,
  noise,
  pine,
  ridge,
  sky,
  water,
} from './brush.mjs'

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

export function mistMountains(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#c9d8e4'],
    [0.35, '#f3e7dc'],
    [0.6, '#f7efe4'],
  ])
  glow(ctx, w * 0.72, h * 0.24, 520, '255,236,200', 0.9)
  const tones = ['168,188,205', '132,160,182', '96,130,154', '62,98,122', '36,68,90', '18,42,58']
  tones.forEach((tone, index) => {
    const base = h * (0.36 + index * 0.115)
    ridge(ctx, w, h, {
      base,
      rise: h * (0.16 + index * 0.012),
      scale: 3 + index * 0.8,
      seed: 21 + index * 7,
      stops: [
        [0, `rgba(${tone},1)`],
        [0.75, `rgba(${tone},0.75)`],
        [1, 'rgba(240,236,230,0.9)'],
      ],
      sharp: 0.35,
    })
    clouds(ctx, w, {
      y: base + h * 0.11,
      spread: 40,
      count: 6,
      size: 320,
      colour: '245,240,234',
      alpha: 0.22,
      seed: 60 + index,
      flat: 0.13,
    })
  })
}

export function goldenPines(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#e8a15c'],
    [0.3, '#f7c884'],
    [0.55, '#fbe3b4'],
  ])
  glow(ctx, w * 0.3, h * 0.2, 700, '255,240,190', 0.95)
  disc(ctx, w * 0.3, h * 0.2, 54, '#fffbe9')
  const random = chance(8)
  const tones = ['214,158,104', '178,116,74', '128,80,58', '74,48,44', '34,24,30']
  tones.forEach((tone, index) => {
    const base = h * (0.46 + index * 0.12)
    const line = ridge(ctx, w, h, {
      base,
      rise: h * 0.09,
      scale: 2 + index * 0.5,
      seed: 90 + index * 3,
      octaves: 4,
      stops: [
        [0, `rgba(${tone},1)`],
        [1, `rgba(${tone},0.82)`],
      ],
    })
    if (index > 0) {
      for (let x = -20; x < w + 20; x += 12 + random() * (16 + index * 14)) {
        pine(
          ctx,
          x,
          line(x) + 8,
          (22 + random() * 34) * (0.5 + index * index * 0.32),
          `rgb(${tone})`,
          random,
        )
      }
    }
    clouds(ctx, w, {
      y: base + h * 0.09,
      spread: 60,
      count: 4,
      size: 300,
      colour: '255,226,170',
      alpha: 0.2,
      seed: 40 + index,
      flat: 0.16,
    })
  })
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

function strokeLine(ctx, w, line) {
  ctx.beginPath()
  for (let x = -5; x <= w + 5; x += 5) ctx.lineTo(x, line(x))
  ctx.stroke()
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

export function dunes(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#86a9c4'],
    [0.3, '#e6cfae'],
    [0.5, '#f9dfae'],
  ])
  glow(ctx, w * 0.2, h * 0.28, 560, '255,240,200', 0.9)
  const crest = [
    [0.44, 0.05, '#e0a566', '#b87a44'],
    [0.54, 0.08, '#e8a65c', '#a4612f'],
    [0.68, 0.12, '#ec9c4e', '#8c4a22'],
    [0.9, 0.17, '#e88f42', '#6d351a'],
  ]
  crest.forEach(([level, rise, light, dark], index) => {
    const shape = noise(31 + index * 5, 2)
    const line = (x) =>
      h * level - shape((x / w) * (1.6 + index * 0.25) + index * 4) * h * rise * 1.4
    ctx.fillStyle = gradient(ctx, 0, h * (level - rise), w * 0.35, h * (level + rise * 2), [
      [0, light],
      [1, dark],
    ])
    ctx.beginPath()
    ctx.moveTo(0, h)
    for (let x = 0; x <= w; x += 4) ctx.lineTo(x, line(x))
    ctx.lineTo(w, h)
    ctx.fill()
    ctx.save()
    ctx.clip()
    const fold = noise(77 + index, 3)
    for (let step = 0; step < 26; step++) {
      ctx.strokeStyle = `rgba(${step % 2 ? '255,220,160' : '90,40,16'},${0.07 + index * 0.02})`
      ctx.lineWidth = 2 + index
      strokeLine(
        ctx,
        w,
        (x) =>
          line(x) +
          14 +
          step * (7 + index * 4) +
          fold(x / (120 + step * 8) + step) * (10 + index * 7),
      )
    }
    ctx.restore()
  })
  camels(ctx, w * 0.5, h * 0.475)
}

function camels(ctx, x, y) {
  ctx.fillStyle = '#5a3520'
  for (let index = 0; index < 5; index++) {
    const left = x + index * 46
    const level = y + Math.sin(index) * 3
    ctx.beginPath()
    ctx.ellipse(left, level - 17, 15, 8, 0, 0, Math.PI * 2)
    ctx.ellipse(left - 4, level - 25, 5, 6, 0, 0, Math.PI * 2)
    ctx.ellipse(left + 6, level - 25, 5, 6, 0, 0, Math.PI * 2)
    ctx.fill()
    for (const leg of [-10, -6, 7, 11]) ctx.fillRect(left + leg, level - 14, 2.4, 18)
    ctx.lineWidth = 4
    ctx.strokeStyle = '#5a3520'
    ctx.beginPath()
    ctx.moveTo(left - 13, level - 18)
    ctx.quadraticCurveTo(left - 24, level - 16, left - 23, level - 33)
    ctx.lineTo(left - 29, level - 32)
    ctx.stroke()
  }
}

export function terraces(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#f2b36f'],
    [0.22, '#ffe0b0'],
    [0.4, '#dfe6df'],
  ])
  glow(ctx, w * 0.68, h * 0.12, 520, '255,230,170', 0.9)
  ridge(ctx, w, h, {
    base: h * 0.27,
    rise: h * 0.12,
    scale: 3,
    seed: 12,
    stops: [
      [0, '#8aa3a3'],
      [1, '#c8d2c4'],
    ],
  })
  ridge(ctx, w, h, {
    base: h * 0.34,
    rise: h * 0.09,
    scale: 4,
    seed: 19,
    stops: [
      [0, '#5f7f72'],
      [1, '#9db39b'],
    ],
  })
  const random = chance(2)
  const bend = noise(44, 3)
  for (let step = 0; step < 30; step++) {
    const near = step / 29
    const level = h * (0.36 + near ** 1.45 * 0.7)
    const edge = (x) =>
      level +
      bend(x / (w * 0.42) + step * 0.13) * h * (0.05 + near * 0.12) +
      Math.sin((x / w) * 4 + step * 0.22) * h * 0.03
    const wet = random() > 0.34
    const stops = wet
      ? [
          [0, '#e8c48f'],
          [0.45, '#f8e6c4'],
          [0.62, '#9fc0bd'],
          [1, '#5f8f95'],
        ]
      : [
          [0, '#93ad4e'],
          [0.5, '#6f9642'],
          [1, '#4d7a3c'],
        ]
    ctx.fillStyle = gradient(ctx, 0, level - 40, w, level + 120, stops)
    ctx.beginPath()
    ctx.moveTo(0, h)
    for (let x = 0; x <= w; x += 5) ctx.lineTo(x, edge(x))
    ctx.lineTo(w, h)
    ctx.fill()
    ctx.strokeStyle = `rgba(38,62,30,${0.5 + near * 0.35})`
    ctx.lineWidth = 2 + near * 11
    strokeLine(ctx, w, edge)
    ctx.strokeStyle = `rgba(150,190,90,${0.5})`
    ctx.lineWidth = 1 + near * 3
    strokeLine(ctx, w, (x) => edge(x) - 2 - near * 5)
  }
  clouds(ctx, w, {
    y: h * 0.36,
    spread: 70,
    count: 6,
    size: 280,
    colour: '255,246,230',
    alpha: 0.26,
    seed: 71,
    flat: 0.15,
  })
}

export function balloons(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#6f8fc0'],
    [0.35, '#f0b9a8'],
    [0.62, '#ffdcb0'],
    [1, '#e9b48a'],
  ])
  glow(ctx, w * 0.85, h * 0.6, 640, '255,226,170', 0.9)
  clouds(ctx, w, {
    y: h * 0.3,
    spread: h * 0.3,
    count: 7,
    size: 260,
    colour: '255,230,215',
    alpha: 0.25,
    seed: 6,
    flat: 0.16,
  })
  const tones = [
    ['#c99a8a', '#e7bfa2'],
    ['#a2705f', '#cf9a7d'],
    ['#6d4a45', '#94655a'],
  ]
  tones.forEach(([top, low], index) => {
    ridge(ctx, w, h, {
      base: h * (0.74 + index * 0.09),
      rise: h * 0.1,
      scale: 5 + index * 2,
      seed: 52 + index * 9,
      sharp: 0.5,
      octaves: 4,
      stops: [
        [0, top],
        [1, low],
      ],
    })
    clouds(ctx, w, {
      y: h * (0.8 + index * 0.08),
      spread: 30,
      count: 4,
      size: 260,
      colour: '255,226,200',
      alpha: 0.18,
      seed: 30 + index,
      flat: 0.12,
    })
  })
  const looks = [
    ['#d9534a', '#ffd9a0'],
    ['#e9a13b', '#fff3d6'],
    ['#3f7f8c', '#f7e6c4'],
    ['#8a4f7d', '#f5c6aa'],
    ['#c8643c', '#ffe9c9'],
    ['#4c6aa8', '#ffe2b8'],
    ['#b53f55', '#ffd0a8'],
  ]
  const spots = [
    [0.24, 0.36, 1.5],
    [0.53, 0.22, 0.95],
    [0.7, 0.45, 1.15],
    [0.42, 0.56, 0.6],
    [0.86, 0.2, 0.55],
    [0.1, 0.6, 0.45],
    [0.6, 0.66, 0.36],
  ]
  for (const [index, [x, y, size]] of spots.entries()) {
    balloon(ctx, w * x, h * y, size * 105, looks[index])
  }
}

function balloon(ctx, x, y, r, [dark, light]) {
  const outline = () => {
    ctx.beginPath()
    ctx.moveTo(x - r * 0.2, y + r * 1.22)
    ctx.bezierCurveTo(x - r * 0.55, y + r * 0.75, x - r, y + r * 0.5, x - r, y)
    ctx.arc(x, y, r, Math.PI, 0)
    ctx.bezierCurveTo(x + r, y + r * 0.5, x + r * 0.55, y + r * 0.75, x + r * 0.2, y + r * 1.22)
    ctx.closePath()
  }
  ctx.save()
  outline()
  ctx.clip()
  ctx.fillStyle = light
  ctx.fillRect(x - r, y - r, r * 2, r * 2.4)
  ctx.fillStyle = dark
  for (const [inner, outer] of [
    [0, 0.16],
    [0.38, 0.62],
    [0.82, 1.02],
  ]) {
    for (const side of [-1, 1]) {
      ctx.beginPath()
      ctx.moveTo(x, y - r)
      ctx.bezierCurveTo(
        x + side * r * inner * 1.3,
        y - r * 0.7,
        x + side * r * inner * 1.1,
        y + r * 0.5,
        x + side * r * inner * 0.3,
        y + r * 1.3,
      )
      ctx.lineTo(x + side * r * outer * 0.3, y + r * 1.3)
      ctx.bezierCurveTo(
        x + side * r * outer * 1.1,
        y + r * 0.5,
        x + side * r * outer * 1.3,
        y - r * 0.7,
        x,
        y - r,
      )
      ctx.fill()
    }
  }
  ctx.fillStyle = gradient(ctx, x - r, 0, x + r, 0, [
    [0, 'rgba(40,10,30,0.38)'],
    [0.5, 'rgba(0,0,0,0)'],
    [0.82, 'rgba(255,240,200,0.4)'],
    [1, 'rgba(255,230,190,0.2)'],
  ])
  ctx.fillRect(x - r, y - r, r * 2, r * 2.4)
  ctx.restore()
  ctx.strokeStyle = 'rgba(60,36,30,0.8)'
  ctx.lineWidth = Math.max(1, r * 0.014)
  for (const side of [-1, 1]) {
    ctx.beginPath()
    ctx.moveTo(x + side * r * 0.18, y + r * 1.22)
    ctx.lineTo(x + side * r * 0.11, y + r * 1.5)
    ctx.stroke()
  }
  ctx.fillStyle = '#5b3a2c'
  ctx.fillRect(x - r * 0.13, y + r * 1.48, r * 0.26, r * 0.18)
}

export function mirrorPeak(ctx, w, h) {
  const horizon = h * 0.57
  sky(ctx, w, h, [
    [0, '#4f76ac'],
    [0.32, '#a9b9d6'],
    [0.5, '#f6cdbd'],
    [0.58, '#fbe4cf'],
  ])
  clouds(ctx, w, {
    y: h * 0.14,
    spread: h * 0.2,
    count: 7,
    size: 300,
    colour: '255,226,220',
    alpha: 0.3,
    seed: 15,
    flat: 0.12,
  })
  const top = [w * 0.52, h * 0.16]
  const side = noise(3, 5)
  const slope = (x) => {
    const reach = Math.abs(x - top[0]) / (w * 0.46)
    return (
      top[1] +
      ((1 - Math.exp(-reach * 2.1)) / (1 - Math.exp(-2.1))) * (horizon - top[1]) +
      side(x / 70) * 9 +
      (reach < 0.05 ? 10 : 0)
    )
  }
  ctx.fillStyle = gradient(ctx, w * 0.2, 0, w * 0.8, 0, [
    [0, '#53658f'],
    [0.5, '#7a83ad'],
    [1, '#a98fa8'],
  ])
  ctx.beginPath()
  ctx.moveTo(0, horizon)
  for (let x = 0; x <= w; x += 3) ctx.lineTo(x, Math.min(horizon, slope(x)))
  ctx.lineTo(w, horizon)
  ctx.fill()
  ctx.save()
  ctx.clip()
  const edge = noise(91, 5)
  ctx.fillStyle = gradient(ctx, w * 0.3, 0, w * 0.75, 0, [
    [0, '#d4dcf0'],
    [0.5, '#ffffff'],
    [1, '#ffdccf'],
  ])
  ctx.beginPath()
  ctx.moveTo(0, 0)
  for (let x = 0; x <= w; x += 3)
    ctx.lineTo(x, h * 0.3 + edge(x / 46) * 90 + Math.abs(Math.sin(x / 34)) * 26)
  ctx.lineTo(w, 0)
  ctx.fill()
  ctx.restore()
  clouds(ctx, w, {
    y: h * 0.47,
    spread: 40,
    count: 7,
    size: 240,
    colour: '255,238,230',
    alpha: 0.3,
    seed: 23,
    flat: 0.12,
  })
  const line = ridge(ctx, w, horizon, {
    base: horizon - 26,
    rise: 34,
    scale: 5,
    seed: 66,
    stops: [
      [0, '#2d4257'],
      [1, '#253647'],
    ],
  })
  const random = chance(3)
  for (let x = 0; x < w; x += 7 + random() * 9)
    pine(ctx, x, line(x) + 8, 26 + random() * 40, '#22323f', random)
  water(ctx, w, h, { horizon, tint: 'rgba(60,80,120,0.12)', ripple: 5, seed: 8, squeeze: 1.1 })
}

export function lavender(ctx, w, h) {
  const horizon = h * 0.36
  sky(ctx, w, h, [
    [0, '#8d86c9'],
    [0.2, '#f0a9a0'],
    [0.36, '#ffe1ab'],
  ])
  glow(ctx, w * 0.5, horizon - 30, 520, '255,225,160', 1)
  disc(ctx, w * 0.5, horizon - 36, 44, '#fff6d8')
  ridge(ctx, w, h, {
    base: horizon,
    rise: 46,
    scale: 3,
    seed: 27,
    octaves: 3,
    stops: [
      [0, '#8e7aa3'],
      [1, '#8e7aa3'],
    ],
  })
  ctx.fillStyle = gradient(ctx, 0, horizon, 0, h, [
    [0, '#8d78a8'],
    [1, '#4c5a35'],
  ])
  ctx.fillRect(0, horizon + 10, w, h)
  const random = chance(14)
  for (let row = 0; row < 90; row++) {
    const near = (row / 89) ** 2.1
    const y = horizon + 14 + near * (h - horizon) * 1.06
    for (let lane = -16; lane <= 16; lane++) {
      const centre = w * 0.5 + lane * (14 + near * 250)
      const wide = 5 + near * 92
      if (centre < -wide * 2 || centre > w + wide * 2) continue
      const dots = 3 + near * 34
      for (let dot = 0; dot < dots; dot++) {
        const off = random() + random() - 1
        const lift = (1 - off * off) * (5 + near * 66) * random()
        const light = random()
        ctx.fillStyle = `rgba(${96 + light * 92},${70 + light * 70},${150 + light * 70},${0.75})`
        ctx.fillRect(centre + off * wide, y - lift, 1 + near * 5, 2 + near * 12)
      }
    }
  }
  glow(ctx, w * 0.5, horizon, 900, '255,200,150', 0.35)
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
  ctx.fillStyle = '#1d1f38'
  ctx.beginPath()
  ctx.moveTo(w * 0.4, h * 0.74)
  ctx.quadraticCurveTo(w * 0.52, h * 0.62, w * 0.66, ground)
  ctx.quadraticCurveTo(w * 0.86, h * 0.6, w, h * 0.63)
  ctx.lineTo(w, h * 0.8)
  ctx.quadraticCurveTo(w * 0.7, h * 0.75, w * 0.4, h * 0.74)
  ctx.fill()
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

export function forestLight(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#e9e6a8'],
    [0.4, '#b9cf85'],
    [0.75, '#5d8a4a'],
    [1, '#23401f'],
  ])
  glow(ctx, w * 0.66, h * 0.2, 820, '255,252,205', 1)
  const random = chance(61)
  for (let layer = 0; layer < 4; layer++) {
    const shade = [
      [150, 176, 108],
      [98, 136, 74],
      [54, 92, 48],
      [22, 44, 26],
    ][layer]
    for (let index = 0; index < 11 - layer * 2; index++) {
      const x = random() * w
      const wide = 12 + layer * layer * 9 + random() * 16
      const lean = (random() - 0.5) * 60
      ctx.fillStyle = gradient(ctx, x - wide, 0, x + wide * 1.4, 0, [
        [0, `rgb(${shade.map((part) => part * 0.75)})`],
        [0.7, `rgb(${shade})`],
        [1, `rgb(${shade.map((part) => part * 1.25)})`],
      ])
      ctx.beginPath()
      ctx.moveTo(x - wide, h)
      ctx.quadraticCurveTo(x - wide * 0.5, h * 0.6, x + lean - wide * 0.45, -10)
      ctx.lineTo(x + lean + wide * 0.45, -10)
      ctx.quadraticCurveTo(x + wide * 0.6, h * 0.6, x + wide * 1.5, h)
      ctx.fill()
    }
    ridge(ctx, w, h, {
      base: h * (0.76 + layer * 0.06),
      rise: 50,
      scale: 5,
      seed: 70 + layer,
      octaves: 7,
      stops: [
        [0, `rgb(${shade})`],
        [1, `rgb(${shade.map((part) => part * 0.6)})`],
      ],
    })
    beams(ctx, w, h, layer, random)
  }
  bokeh(ctx, {
    x: 0,
    y: 0,
    width: w,
    height: h * 0.5,
    count: 70,
    least: 8,
    most: 44,
    colours: ['240,250,170', '200,230,120'],
    alpha: 0.32,
    seed: 4,
  })
  bokeh(ctx, {
    x: 0,
    y: h * 0.5,
    width: w,
    height: h * 0.5,
    count: 50,
    least: 2,
    most: 7,
    colours: ['255,250,190'],
    alpha: 0.8,
    seed: 14,
    blur: 1,
  })
}

function beams(ctx, w, h, layer, random) {
  ctx.save()
  ctx.globalCompositeOperation = 'screen'
  ctx.filter = 'blur(14px)'
  for (let beam = 0; beam < 4; beam++) {
    const from = w * (0.62 + random() * 0.1)
    const to = w * (random() * 1.2 - 0.3)
    ctx.fillStyle = gradient(ctx, from, 0, to, h, [
      [0, `rgba(255,250,200,${0.2 - layer * 0.03})`],
      [0.85, 'rgba(255,250,200,0)'],
    ])
    ctx.beginPath()
    ctx.moveTo(from - 14, h * 0.02)
    ctx.lineTo(from + 14, h * 0.02)
    ctx.lineTo(to + 150, h)
    ctx.lineTo(to, h)
    ctx.fill()
  }
  ctx.restore()
}
