/**
 * Reports to read, and the short notation of the command.
 * Entry `@atrous/rf/report`.
 */
export type { LayerReport, Report } from './explain.js';
export { explain, withoutGlobal } from './explain.js';
export type { Table } from './format.js';
export {
  comparisonTable,
  formatJson,
  formatMarkdown,
  formatText,
  layerTable,
  markdownTable,
  measures,
  number,
  textTable,
} from './format.js';
export { NotationError, parseLayers } from './notation.js';
