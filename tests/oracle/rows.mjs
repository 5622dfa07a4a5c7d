/**
 * The rows of the document language (`crates/query/tests/cases`), for runners that are not Rust.
 * `1.0` is no longer told from `1` once JavaScript has read it, so fractions are wrapped before.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { rootDir } from '../harness/settings.mjs';

/**
 * @typedef {Record<string, any> & { file: string, name: string }} Row
 */

const folder = path.join(rootDir, 'crates', 'query', 'tests', 'cases');

/** A text, or a number with a fraction or an exponent. */
const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)/g;

/**
 * All rows.
 * @returns {Row[]}
 */
export function rows() {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return files.sort().flatMap((file) => {
    const text = readFileSync(path.join(folder, file), 'utf8').replace(token, (found) =>
      found.startsWith('"') ? found : `{"$numberDouble":"${found}"}`,
    );
    return JSON.parse(text).map((/** @type {any} */ row) => ({ file, ...row }));
  });
}
