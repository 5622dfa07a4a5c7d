/**
 * Seed scenes of wide skies. Each scene is `(ctx, width, height) => void`.
 * They only paint; size, grain and encoding are the caller's.
 */
import {
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
  stars,
  water,
} from './brush.mjs'

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
      sharp: 0.35,
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

export function aurora(ctx, w, h) {
  const horizon = h * 0.74
  sky(ctx, w, h, [
    [0, '#050b20'],
    [0.5, '#0b2440'],
    [0.74, '#1d4a5a'],
  ])
  stars(ctx, w, horizon, 700, 12)
  const bend = noise(7, 3)
  const curtains = [
    [0.22, '70,255,170', 0.5, 0.06],
    [0.34, '90,230,210', 0.55, 0.3],
    [0.16, '150,110,255', 0.34, 0.62],
    [0.3, '110,255,150', 0.4, 0.9],
  ]
  ctx.save()
  ctx.globalCompositeOperation = 'screen'
  ctx.filter = 'blur(7px)'
  for (const [level, colour, alpha, phase] of curtains) {
    for (let step = 0; step < 520; step++) {
      const along = step / 520
      const x = along * w * 1.1 - w * 0.05 + bend(along * 5 + phase * 20) * 180
      const foot = h * (level + 0.24) + bend(along * 3 + phase * 9) * h * 0.16
      const tall = h * (0.22 + 0.16 * (bend(along * 24 + phase * 31) + 0.5))
      const strength = alpha * (0.25 + 0.75 * Math.max(0, bend(along * 7 + phase * 13) + 0.45))
      ctx.fillStyle = gradient(ctx, 0, foot - tall, 0, foot, [
        [0, `rgba(${colour},0)`],
        [0.75, `rgba(${colour},${strength * 0.34})`],
        [0.95, `rgba(${colour},${strength * 0.6})`],
        [1, `rgba(${colour},0)`],
      ])
      ctx.fillRect(x, foot - tall, 7, tall)
    }
  }
  ctx.restore()
  ridge(ctx, w, horizon + 2, {
    base: horizon - 60,
    rise: 150,
    scale: 4,
    seed: 51,
    sharp: 0.9,
    stops: [
      [0, '#dcecf2'],
      [0.35, '#7aa0b4'],
      [1, '#1c3a4c'],
    ],
  })
  const line = ridge(ctx, w, horizon + 2, {
    base: horizon - 14,
    rise: 30,
    scale: 6,
    seed: 18,
    stops: [
      [0, '#0c1d2a'],
      [1, '#0c1d2a'],
    ],
  })
  const random = chance(8)
  for (let x = 0; x < w; x += 8 + random() * 14)
    pine(ctx, x, line(x) + 6, 24 + random() * 52, '#081620', random)
  water(ctx, w, h, { horizon, tint: 'rgba(4,20,36,0.2)', ripple: 7, seed: 9, squeeze: 2.4 })
}

export function milkyWay(ctx, w, h) {
  sky(ctx, w, h, [
    [0, '#0a0e26'],
    [0.5, '#1d2450'],
    [0.78, '#5a4a78'],
    [1, '#c98a7a'],
  ])
  galaxy(ctx, w, h)
  stars(ctx, w, h * 0.8, 900, 3)
  ridge(ctx, w, h, {
    base: h * 0.82,
    rise: 120,
    scale: 3,
    seed: 28,
    sharp: 0.6,
    stops: [
      [0, '#3a3157'],
      [1, '#4d3c5c'],
    ],
  })
  ridge(ctx, w, h, {
    base: h * 0.91,
    rise: 80,
    scale: 3.4,
    seed: 39,
    stops: [
      [0, '#171630'],
      [1, '#120f22'],
    ],
  })
  tent(ctx, w, h)
}

/** A lit tent at the foot of the hills. */
function tent(ctx, w, h) {
  const x = w * 0.28
  const y = h * 0.885
  ctx.fillStyle = '#f6b45c'
  ctx.beginPath()
  ctx.moveTo(x - 66, y + 34)
  ctx.lineTo(x - 6, y - 40)
  ctx.lineTo(x + 62, y + 34)
  ctx.fill()
  ctx.fillStyle = '#c9742f'
  ctx.beginPath()
  ctx.moveTo(x - 6, y - 40)
  ctx.lineTo(x + 62, y + 34)
  ctx.lineTo(x + 16, y + 34)
  ctx.fill()
  glow(ctx, x, y + 6, 260, '255,180,90', 0.75)
}

/** The band of the galaxy across the sky. */
function galaxy(ctx, w, h) {
  ctx.save()
  ctx.translate(w * 0.56, h * 0.36)
  ctx.rotate(-1.08)
  const random = chance(33)
  for (const [wide, colour, alpha] of [
    [150, '130,120,210', 0.1],
    [90, '220,170,200', 0.12],
    [46, '255,226,200', 0.16],
  ]) {
    ctx.filter = `blur(${wide * 0.45}px)`
    for (let x = -h * 0.75; x < h * 0.75; x += 56) {
      ctx.fillStyle = `rgba(${colour},${alpha * (0.5 + random())})`
      ctx.beginPath()
      ctx.ellipse(
        x,
        (random() - 0.5) * wide * 0.8,
        90 + random() * 60,
        wide * (0.5 + random() * 0.5),
        0,
        0,
        Math.PI * 2,
      )
      ctx.fill()
    }
  }
  ctx.filter = 'blur(24px)'
  for (let x = -h * 0.6; x < h * 0.6; x += 70) {
    ctx.fillStyle = `rgba(14,16,44,${0.22 * random()})`
    ctx.beginPath()
    ctx.ellipse(x, (random() - 0.5) * 60, 80, 16 + random() * 16, random() - 0.5, 0, Math.PI * 2)
    ctx.fill()
  }
  ctx.filter = 'none'
  for (let index = 0; index < 2600; index++) {
    const off = (random() + random() + random() - 1.5) * 190
    disc(
      ctx,
      (random() - 0.5) * h * 1.6,
      off,
      0.5 + random() ** 4 * 1.8,
      `rgba(255,244,230,${0.2 + random() * 0.6})`,
    )
  }
  ctx.restore()
}

export function moonLake(ctx, w, h) {
  const horizon = h * 0.6
  sky(ctx, w, h, [
    [0, '#0f1c3c'],
    [0.4, '#2c4a74'],
    [0.6, '#7d9ab2'],
  ])
  stars(ctx, w, h * 0.4, 160, 6)
  glow(ctx, w * 0.56, h * 0.28, 620, '230,235,240', 0.75)
  disc(ctx, w * 0.56, h * 0.28, 108, '#fbf5e4')
  ctx.save()
  ctx.globalAlpha = 0.16
  for (const [x, y, r] of [
    [-30, -20, 34],
    [30, 24, 40],
    [-10, 50, 22],
    [44, -36, 18],
  ])
    disc(ctx, w * 0.56 + x, h * 0.28 + y, r, '#a99f8c')
  ctx.restore()
  clouds(ctx, w, {
    y: h * 0.34,
    spread: 180,
    count: 5,
    size: 260,
    colour: '200,212,226',
    alpha: 0.2,
    seed: 8,
    flat: 0.1,
  })
  ridge(ctx, w, horizon, {
    base: horizon - 30,
    rise: 110,
    scale: 3,
    seed: 17,
    stops: [
      [0, '#2c4462'],
      [1, '#48627e'],
    ],
  })
  water(ctx, w, h, { horizon, tint: 'rgba(14,30,60,0.28)', ripple: 8, seed: 4 })
  glitter(ctx, {
    x: w * 0.56,
    horizon,
    height: h,
    width: w,
    spread: 120,
    count: 600,
    colour: '250,245,225',
    alpha: 0.9,
    seed: 2,
  })
  reeds(ctx, w, h)
}

/** Reeds at both sides of the foreground. */
function reeds(ctx, w, h) {
  const random = chance(19)
  for (let blade = 0; blade < 120; blade++) {
    const x = random() < 0.6 ? random() * w * 0.42 : w * (0.72 + random() * 0.3)
    const tall = h * (0.08 + random() * 0.22)
    const lean = (random() - 0.3) * 90
    ctx.strokeStyle = `rgba(8,16,30,${0.75 + random() * 0.25})`
    ctx.lineWidth = 2 + random() * 4
    ctx.beginPath()
    ctx.moveTo(x, h + 10)
    ctx.quadraticCurveTo(x + lean * 0.2, h - tall * 0.6, x + lean, h - tall)
    ctx.stroke()
    if (random() > 0.72) {
      ctx.fillStyle = '#141b2c'
      ctx.beginPath()
      ctx.ellipse(x + lean, h - tall - 20, 7, 34, lean / 300, 0, Math.PI * 2)
      ctx.fill()
    }
  }
}
