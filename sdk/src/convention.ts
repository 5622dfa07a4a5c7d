/**
 * The two ways to call everything in wx.cloud: a promise, or `success`/`fail`/`complete`.
 * It decides who is told, and nothing else; what a call does is the caller's business.
 */

import { type CloudError, named } from './failure';

/** The callbacks and the per-call settings that every parameter object may carry. */
export interface Callbacks<T> {
  /** Settings for this call alone: another environment than that of `init`. */
  config?: { env?: string; traceUser?: boolean };
  success?: (result: T) => void;
  fail?: (error: CloudError) => void;
  complete?: (outcome: T | CloudError) => void;
}

/** A parameter object with at least one callback: the call then returns no promise. */
export type WithCallbacks<P extends Callbacks<any>> = P &
  (Required<Pick<P, 'success'>> | Required<Pick<P, 'fail'>> | Required<Pick<P, 'complete'>>);

/** A parameter object without callbacks: the call returns a promise. */
export type WithoutCallbacks<P> = Omit<P, 'success' | 'fail' | 'complete'> & {
  success?: undefined;
  fail?: undefined;
  complete?: undefined;
};

/** Whether the caller wants callbacks instead of a promise. */
export function hasCallbacks(param: unknown): boolean {
  const p = param as Callbacks<unknown> | null | undefined;
  return !!p && [p.success, p.fail, p.complete].some((f) => typeof f === 'function');
}

/**
 * Runs `work` as the call `api` and tells the caller in the way it asked for.
 * The result gets `errMsg: "{api}:ok"`; a failure becomes a `CloudError` named after `api`.
 */
export function settle<T extends object>(
  api: string,
  param: unknown,
  work: () => Promise<T>,
): Promise<T & { errMsg: string }> | undefined {
  const outcome = run(api, work);
  if (!hasCallbacks(param)) return outcome;
  const { success, fail, complete } = param as Callbacks<T & { errMsg: string }>;
  // An exception inside a callback is the caller's own and surfaces as an unhandled rejection.
  void outcome.then(
    (result) => {
      try {
        success?.(result);
      } finally {
        complete?.(result);
      }
    },
    (error: CloudError) => {
      try {
        fail?.(error);
      } finally {
        complete?.(error);
      }
    },
  );
  return undefined;
}

async function run<T extends object>(api: string, work: () => Promise<T>) {
  try {
    return { ...(await work()), errMsg: `${api}:ok` };
  } catch (cause) {
    throw named(api, cause);
  }
}
