/**
 * The generations of wx-server-sdk under test, each unmodified and in the function's own
 * `node_modules`, and what each of them has no call for.
 */

/**
 * @typedef {object} Generation
 * @property {string} module the folder in `tests/node_modules`, and the name of its function
 * @property {string} version
 * @property {string[]} lacks calls that this generation does not make
 */

/** @type {Generation[]} */
export const generations = [
  {
    module: 'wx-server-sdk-1',
    version: '1.8.3',
    lacks: ['Cloud', 'getCloudCallSign', 'cloudPay', 'openapi({appid})'],
  },
  { module: 'wx-server-sdk-2', version: '2.6.3', lacks: [] },
  { module: 'wx-server-sdk-3', version: '3.0.4', lacks: [] },
  { module: 'wx-server-sdk-4', version: '4.0.2', lacks: [] },
];

/**
 * The generations that have a call.
 * @param {string} call
 */
export const having = (call) => generations.filter(({ lacks }) => !lacks.includes(call));

/**
 * One function per generation, named like its module, all from the same folder.
 * @param {string} from a folder of `tests/functions`
 * @returns {Record<string, import('./project.mjs').FunctionChoice>}
 */
export const ofEveryGeneration = (from) =>
  Object.fromEntries(
    generations.map(({ module }) => [
      module,
      { from, modules: [{ name: module, as: 'wx-server-sdk' }] },
    ]),
  );
