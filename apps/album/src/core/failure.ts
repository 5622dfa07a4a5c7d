/**
 * Why something did not work, as the pages tell it apart. It decides words, never layout.
 */

/** NETWORK: try again. NOT_FOUND: deleted. FORBIDDEN: not a member. EXPIRED: an old invitation. */
export type FailureCode =
  | 'NETWORK'
  | 'SERVER'
  | 'INVALID'
  | 'NOT_FOUND'
  | 'FORBIDDEN'
  | 'EXPIRED'
  | 'RISKY'

const CODES: readonly string[] = [
  'NETWORK',
  'SERVER',
  'INVALID',
  'NOT_FOUND',
  'FORBIDDEN',
  'EXPIRED',
  'RISKY',
]

/** A failure with a Chinese sentence that may stand on the screen. */
export class AlbumFailure extends Error {
  readonly code: FailureCode

  constructor(code: FailureCode, message: string) {
    super(message)
    Object.setPrototypeOf(this, AlbumFailure.prototype)
    this.code = code
  }
}

/** The code of a refusal as a function wrote it; unknown ones count as the server's fault. */
export function failureCode(value: unknown): FailureCode {
  return typeof value === 'string' && CODES.includes(value) ? (value as FailureCode) : 'SERVER'
}

/** Any thrown thing as an AlbumFailure. */
export function asFailure(cause: unknown): AlbumFailure {
  if (cause instanceof AlbumFailure) return cause
  const code = errCodeOf(cause)
  // -601003 is the client library's number for "no answer".
  if (code === -601003) return new AlbumFailure('NETWORK', '网络似乎断开了，请检查后重试')
  return new AlbumFailure('SERVER', '服务开了个小差，请稍后再试')
}

function errCodeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'errCode' in cause
    ? cause.errCode
    : undefined
}
