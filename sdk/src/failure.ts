/**
 * What a caller gets when a call fails: one error class with the numeric `errCode` and the `errMsg`
 * of wx.cloud (protocol 01 §7). It knows codes and sentences only; it never retries or logs.
 */

/** What the platform says about each of its codes: the number and the words that wx.cloud shows. */
const NUMBERS: Record<string, [errCode: number, words: string]> = {
  SYS_ERR: [-501001, 'resource system error'],
  SERVER_TIMEOUT: [-501002, 'resource server timeout'],
  EXCEED_REQUEST_LIMIT: [-501003, 'exceed request limit'],
  EXCEED_CONCURRENT_REQUEST_LIMIT: [-501004, 'exceed concurrent request limit'],
  INVALIID_ENV: [-501005, 'invalid env'],
  INVALID_ENV: [-501005, 'invalid env'],
  INVALID_COMMON_PARAM: [-501006, 'invalid common parameters'],
  INVALID_PARAM: [-501007, 'invalid parameters'],
  INVALID_REQUEST_SOURCE: [-501008, 'invalid request source'],
  RESOURCE_NOT_INITIAL: [-501009, 'resource not initialized'],
  DATABASE_REQUEST_FAILED: [-502001, 'database request fail'],
  DATABASE_DUPLICATE_WRITE: [-502001, 'database request fail'],
  DATABASE_INVALID_OPERRATOR: [-502002, 'database invalid command'],
  DATABASE_PERMISSION_DENIED: [-502003, 'database permission denied'],
  DATABASE_COLLECTION_EXCEED_LIMIT: [-502004, 'database exceed collection limit'],
  DATABASE_COLLECTION_NOT_EXIST: [-502005, 'database collection not exists'],
  DATABASE_COLLECTION_ALREADY_EXIST: [-501001, 'database collection already exists'],
  STORAGE_REQUEST_FAIL: [-503001, 'storage request fail'],
  STORAGE_EXCEED_AUTHORITY: [-503002, 'storage permission denied'],
  STORAGE_FILE_NONEXIST: [-503003, 'storage file not exists'],
  STORAGE_SIGN_PARAM_INVALID: [-503004, 'storage invalid sign parameters'],
  FUNCTIONS_REQUEST_FAIL: [-504001, 'functions request fail'],
  FUNCTIONS_EXECUTE_FAIL: [-504002, 'functions execute fail'],
  FUNCTION_NOT_FOUND: [-501000, 'FUNCTION_NOT_FOUND'],
};

/** Codes that exist on the client alone (protocol 01 §7.3). */
export const ERR_CODE = {
  generic: -1,
  notInitialised: -401001,
  badParameter: -401002,
  badParameterType: -401003,
  circularReference: -402001,
  network: -601003,
  system: -501001,
} as const;

/** The `code` of a failure without an answer of the server. */
export const NETWORK = 'NETWORK';

/** The error of every failed call, thrown, rejected with, or given to `fail` and `complete`. */
export class CloudError extends Error {
  /** Number of wx.cloud, for instance -502005 for a missing collection. */
  readonly errCode: number;
  /** `{api}:fail …`, the sentence of wx.cloud. */
  readonly errMsg: string;
  /** The server's own word for the code, for instance `DATABASE_COLLECTION_NOT_EXIST`. */
  readonly code?: string;
  /** The server's id of the request, when the server answered. */
  readonly requestID?: string;

  constructor(errMsg: string, errCode: number, code?: string, requestID?: string) {
    super(errMsg);
    // A built-in parent loses the prototype when a packager lowers classes to ES5.
    Object.setPrototypeOf(this, CloudError.prototype);
    Object.defineProperty(this, 'name', { value: 'CloudError' });
    this.errCode = errCode;
    this.errMsg = errMsg;
    if (code) this.code = code;
    if (requestID) this.requestID = requestID;
  }
}

/** A refusal of the caller's own arguments; it never reaches the server. */
export function badParameter(message: string): CloudError {
  return new CloudError(message, ERR_CODE.badParameter);
}

/** The same for an argument of the wrong type. */
export function badParameterType(message: string): CloudError {
  return new CloudError(message, ERR_CODE.badParameterType);
}

/** A request that got no answer, or not one of ours. */
export function networkFailure(message: string): CloudError {
  return new CloudError(message, ERR_CODE.network, NETWORK);
}

/** The failure that an answer `{code, message, requestId}` of the server stands for. */
export function serverFailure(code: string, message: string, requestID?: string): CloudError {
  const errCode = serverErrCode(code);
  return new CloudError(message || code, errCode, code, requestID);
}

/** The number for a code of the server; codes without a number are -501001 (protocol 01 §7.2). */
export function serverErrCode(code: string): number {
  const known = NUMBERS[code];
  return known ? known[0] : ERR_CODE.system;
}

/** Gives a failure the name of the call it happened in, in the words of wx.cloud. */
export function named(api: string, cause: unknown): CloudError {
  if (!(cause instanceof CloudError)) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return new CloudError(`${api}:fail ${message}`, ERR_CODE.generic);
  }
  const { errMsg, errCode, code, requestID } = cause;
  if (/^[\w.]+:fail /.test(errMsg)) return cause;
  return new CloudError(`${api}:fail ${sentence(api, cause)}`, errCode, code, requestID);
}

function sentence(api: string, { errMsg, errCode, code, requestID }: CloudError): string {
  if (errCode === ERR_CODE.generic || code === NETWORK) return errMsg;
  if (!code) return `${errCode} ${errMsg}`;
  const known = NUMBERS[code];
  const words = known ? known[1] : code;
  if (api !== 'cloud.callFunction') return `${errCode} ${words}. ${errMsg}`;
  const call = requestID ? ` (callId: ${requestID})` : '';
  return `Error: errCode: ${errCode} ${words} | errMsg: ${errMsg}${call}`;
}
