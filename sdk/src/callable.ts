/** Constructors of wx.cloud that work with and without `new`, as its users write both. */

/** A class that may be called like a function. */
export type Callable<A extends any[], T> = {
  new (...args: A): T;
  (...args: A): T;
};

/** Makes `Class` callable without `new`; `instanceof` holds either way. */
export function callable<A extends any[], T extends object>(
  Class: new (...args: A) => T,
): Callable<A, T> {
  // A function that returns an object returns it under `new` too.
  function create(...args: A): T {
    return new Class(...args);
  }
  create.prototype = Class.prototype;
  return create as unknown as Callable<A, T>;
}
