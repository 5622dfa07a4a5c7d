/**
 * Reads values that came over the wire: every field is looked at before the album believes it.
 * A wrong shape is a SERVER failure that names the field in its cause, not a crash in a page.
 */
import { AlbumFailure, failureCode } from './failure'

/** An object whose fields are not checked yet. */
export type Fields = Readonly<Record<string, unknown>>

function wrong(what: string): never {
  const failure = new AlbumFailure('SERVER', '服务返回了看不懂的内容，请稍后再试')
  failure.stack = `unexpected answer: ${what}\n${failure.stack ?? ''}`
  throw failure
}

/** `value` as an object. */
export function fields(value: unknown, what = 'answer'): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) wrong(what)
  return value as Fields
}

/** `value` as a list of `item`s. */
export function list<T>(value: unknown, item: (entry: unknown) => T): T[] {
  if (!Array.isArray(value)) wrong('a list')
  return value.map((entry: unknown) => item(entry))
}

/** The text field `key`. */
export function text(from: Fields, key: string): string {
  const value = from[key]
  return typeof value === 'string' ? value : wrong(`text ${key}`)
}

/** The number field `key`. */
export function number(from: Fields, key: string): number {
  const value = from[key]
  return typeof value === 'number' && Number.isFinite(value) ? value : wrong(`number ${key}`)
}

/** The boolean field `key`. */
export function flag(from: Fields, key: string): boolean {
  const value = from[key]
  return typeof value === 'boolean' ? value : wrong(`flag ${key}`)
}

/** What a function of the album answered: its data, or its refusal as a thrown AlbumFailure. */
export function answered(value: unknown): unknown {
  const answer = fields(value)
  if (flag(answer, 'ok')) return answer.data
  throw new AlbumFailure(failureCode(answer.code), text(answer, 'message'))
}
