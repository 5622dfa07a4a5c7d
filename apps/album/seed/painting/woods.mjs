/**
 * Seed scenes of woods, fields of flowers and ponds. Each scene is `(ctx, width, height) => void`.
 * They only paint; size, grain and encoding are the caller's.
 */
import { bokeh, chance, disc, glow, gradient, ridge, sky } from './brush.mjs'
import { leaf, TURN } from './leaves.mjs'

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
    trunks(ctx, w, h, layer, shade, random)
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

/** Trunks of one depth of the wood. */
function trunks(ctx, w, h, layer, shade, random) {
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
