/** Random values, documents and paths of a small world, in which most things meet. */

/**
 * @typedef {(below: number) => number} Roll
 * @typedef {(chance: Chance) => any} Maker
 */

/** Names of fields; few, so that conditions and documents meet. */
export const names = ['a', 'b', 'c'];

/** Makes random things from rolls of dice. */
export class Chance {
  /** @param {Roll} roll */
  constructor(roll) {
    this.roll = roll;
  }

  /**
   * True once in so many times.
   * @param {number} times
   */
  once(times) {
    return this.roll(times) === 0;
  }

  /**
   * One of a list.
   * @template T
   * @param {readonly T[]} list
   * @returns {T}
   */
  one(list) {
    return list[this.roll(list.length)];
  }

  /**
   * A list with a length between `least` and `most`.
   * @template T
   * @param {number} least
   * @param {number} most
   * @param {() => T} make
   * @returns {T[]}
   */
  some(least, most, make) {
    return Array.from({ length: least + this.roll(most - least + 1) }, make);
  }

  /** A number. */
  number() {
    return this.once(5) ? this.one([1.5, -2.5, 0.1, 1e10]) : this.roll(6) - 1;
  }

  /** A text. */
  text() {
    return this.one(['', 'x', 'y', 'xy', 'Xy', '云', 'b']);
  }

  /** A moment. */
  date() {
    return { $date: this.one([0, 1000, 1_700_000_000_000, -5]) };
  }

  /** Anything but an array or an object. */
  scalar() {
    const makers = [
      () => this.number(),
      () => this.number(),
      () => this.text(),
      () => this.once(2),
      () => null,
      () => this.date(),
    ];
    return this.one(makers)();
  }

  /**
   * Anything.
   * @param {number} [depth] how many levels of arrays and objects it may have
   * @returns {any}
   */
  value(depth = 2) {
    if (depth === 0 || this.once(2)) return this.scalar();
    if (this.once(2)) return this.some(0, 3, () => this.value(depth - 1));
    return this.object(depth - 1);
  }

  /**
   * An object whose fields may be missing.
   * @param {number} depth
   * @returns {Record<string, any>}
   */
  object(depth) {
    /** @type {Record<string, any>} */
    const object = {};
    for (const name of names) {
      if (!this.once(3)) object[name] = this.value(depth);
    }
    return object;
  }

  /** A list of numbers, for what works on numbers only. */
  numbers() {
    return this.some(0, 4, () => this.number());
  }

  /**
   * Documents with ids from 0.
   * @param {number} count
   * @returns {any[]}
   */
  documents(count) {
    return Array.from({ length: count }, (_, _id) => ({ _id, ...this.object(3) }));
  }

  /** A path, dotted at times, with an index at times. */
  path() {
    const parts = [this.one(names)];
    while (parts.length < 3 && this.once(3)) {
      parts.push(this.once(4) ? String(this.roll(3)) : this.one(names));
    }
    return parts.join('.');
  }
}
