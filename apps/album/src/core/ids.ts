/**
 * Ids that the client chooses, so that a repeated request is the same request.
 */

const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'

/** `prefix-` + the time in base 36 + 12 drawn letters; `draw` gives numbers in [0, 1). */
export function clientId(prefix: string, nowMs: number, draw: () => number = Math.random): string {
  let tail = ''
  for (let index = 0; index < 12; index++) {
    tail += LETTERS[Math.floor(draw() * LETTERS.length)] ?? 'a'
  }
  return `${prefix}-${nowMs.toString(36)}-${tail}`
}
