/**
 * Pictures as SVG text, without any dependency.
 * Entry `@atrous/rf/figures`.
 */
export type { ChartOptions } from './charts.js';
export { growthFigure, pathCountFigure } from './charts.js';
export type { FigureOptions } from './heatmap.js';
export { comparisonFigure, coverageFigure } from './heatmap.js';
export type { Scale } from './svg.js';
export { scaleOf, steps } from './svg.js';
