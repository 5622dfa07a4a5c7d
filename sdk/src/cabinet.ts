/**
 * A small persistent store of strings. Stores of phones and browsers may be full, blocked or
 * absent; a value that is lost costs a sign-in, so this one never fails.
 */

/** `get` gives null where there is nothing; `set` and `remove` may do nothing. */
export interface Cabinet {
  get(key: string): string | null;
  set(key: string, value: string): void;
  remove(key: string): void;
}

/** The store that keeps nothing. */
export const NO_CABINET: Cabinet = { get: () => null, set: () => {}, remove: () => {} };

/** `store` with its exceptions swallowed. */
export function lenient(store: Cabinet): Cabinet {
  return {
    get: (key) => attempt(() => store.get(key)) || null,
    set: (key, value) => void attempt(() => store.set(key, value)),
    remove: (key) => void attempt(() => store.remove(key)),
  };
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
