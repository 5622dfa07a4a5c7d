/**
 * Seed scenes of mountains, fields and deserts. Each scene is `(ctx, width, height) => void`.
 * They only paint; size, grain and encoding are the caller's.
 */
import { chance, clouds, disc, glow, gradient, noise, pine, ridge, sky, water } from './brush.mjs'

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
      rise: h * (0.115 + index * 0.012),
      scale: 4 + index * 0.7,
      seed: 21 + index * 7,
      stops: [
        [0, `rgba(${tone},1)`],
        [0.75, `rgba(${tone},0.75)`],
        [1, 'rgba(240,236,230,0.9)'],
      ],
      sharp: 0.8,
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

/** One dune: [x, y] points of its crest as parts of the picture, and where its shadow falls. */
const DUNES = [
  {
    crest: [
      [0, 0.47],
      [0.16, 0.43],
      [0.34, 0.4],
      [0.52, 0.46],
      [0.78, 0.49],
      [1, 0.45],
    ],
    top: 2,
    foot: [0.5, 0.62],
    tones: ['#f0bd7c', '#b06a3c'],
  },
  {
    crest: [
      [0, 0.56],
      [0.24, 0.57],
      [0.48, 0.53],
      [0.7, 0.45],
      [0.86, 0.5],
      [1, 0.56],
    ],
    top: 3,
    foot: [0.62, 0.78],
    tones: ['#f3b062', '#9a5228'],
  },
  {
    crest: [
      [0, 0.6],
      [0.2, 0.55],
      [0.4, 0.64],
      [0.62, 0.72],
      [0.84, 0.7],
      [1, 0.66],
    ],
    top: 1,
    foot: [0.44, 0.95],
    tones: ['#f2a552', '#8a4420'],
  },
  {
    crest: [
      [0, 0.9],
      [0.26, 0.86],
      [0.52, 0.82],
      [0.76, 0.74],
      [0.9, 0.8],
      [1, 0.88],
    ],
    top: 3,
    foot: [0.66, 1.1],
    tones: ['#f09a46', '#74361a'],
  },
]

/** A smooth line through points, ready to be drawn on. */
function smooth(ctx, points) {
  points.slice(1).forEach(([x, y], index) => {
    const [beforeX, beforeY] = points[index]
    const middle = (beforeX + x) / 2
    ctx.bezierCurveTo(middle, beforeY, middle, y, x, y)
  })
}

export function dunes(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#5f92b8'],
    [0.26, '#b9cbc8'],
    [0.42, '#fbe0ae'],
  ])
  glow(ctx, w * 0.12, h * 0.34, 700, '255,238,190', 0.95)
  disc(ctx, w * 0.12, h * 0.3, 46, '#fff6dc')
  DUNES.forEach((dune, index) => {
    const points = dune.crest.map(([x, y]) => [x * w, y * h])
    const [light, dark] = dune.tones
    const top = points[dune.top]
    const body = () => {
      ctx.beginPath()
      ctx.moveTo(...points[0])
      smooth(ctx, points)
      ctx.lineTo(w, h)
      ctx.lineTo(0, h)
    }
    ctx.fillStyle = gradient(ctx, 0, top[1], 0, top[1] + h * 0.42, [
      [0, light],
      [1, dark],
    ])
    body()
    ctx.fill()
    ctx.save()
    ctx.clip()
    ripples(ctx, w, top[1] - 20, index)
    ctx.fillStyle = gradient(ctx, top[0], top[1], top[0] + w * 0.3, top[1] + h * 0.2, [
      [0, 'rgba(86,34,12,0.72)'],
      [1, 'rgba(86,34,12,0.18)'],
    ])
    ctx.beginPath()
    ctx.moveTo(...top)
    smooth(ctx, points.slice(dune.top))
    ctx.lineTo(w, h * 1.1)
    ctx.lineTo(dune.foot[0] * w, dune.foot[1] * h)
    const bend = top[0] + (dune.foot[0] * w - top[0]) * 0.1
    ctx.bezierCurveTo(top[0] + 90, dune.foot[1] * h * 0.92, bend, top[1] + h * 0.1, ...top)
    ctx.fill()
    ctx.restore()
  })
  camels(ctx, w * 0.2, h * 0.418)
}

/** Wind ripples on sand from `y` down. */
function ripples(ctx, w, y, index) {
  const fold = noise(77 + index, 3)
  for (let step = 0; step < 60; step++) {
    ctx.strokeStyle = `rgba(${step % 2 ? '255,226,170' : '110,52,20'},${0.05 + index * 0.02})`
    ctx.lineWidth = 1.5 + index
    const drop = step * (6 + index * 3)
    strokeLine(
      ctx,
      w,
      (x) => y + drop + fold(x / 170 + step * 0.07 + index * 9) * (16 + index * 14) + x * 0.05,
    )
  }
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
  paddies(ctx, w, h)
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

/** Flooded and green fields, step by step down the slope. */
function paddies(ctx, w, h) {
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
  snowPeak(ctx, w, h, horizon)
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

/** A lone mountain with a white top. */
function snowPeak(ctx, w, h, horizon) {
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
}

export function strokeLine(ctx, w, line) {
  ctx.beginPath()
  for (let x = -5; x <= w + 5; x += 5) ctx.lineTo(x, line(x))
  ctx.stroke()
}
