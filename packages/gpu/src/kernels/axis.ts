/** How kernels around an axis (see `AxisView`) name elements of it. */
import type { View } from '../kernel.js';
import type { AxisView } from '../layout.js';

/** Names in a kernel that computes every element. */
export interface EachElement {
  /** Declares what `shared` needs. */
  readonly lines: readonly string[];
  /** Index of the element that is computed. */
  readonly each: string;
  /** Its index in an array whose axis has size 1. */
  readonly shared: string;
}

export function eachElement({ rows, isLast }: AxisView): EachElement {
  const each = '[this.thread.z][this.thread.y][this.thread.x]';
  if (isLast) return { lines: [], each, shared: '[0][this.thread.y][0]' };
  const row = rows === 1 ? '0' : `this.thread.y - Math.floor((this.thread.y + 0.5) / ${rows}) * ${rows}`;
  return { lines: [`const row = ${row};`], each, shared: '[this.thread.z][row][this.thread.x]' };
}

/** Names in a kernel that computes one value per axis. */
export interface OnePerAxis {
  readonly output: View;
  /** What the depth of the array is in the view, for arrays in two planes. */
  readonly depth: string;
  /** Index behind the depth of element `k`. */
  at(k: string): string;
}

export function onePerAxis(around: AxisView): OnePerAxis {
  if (around.isLast) return { output: [1, 1, around.outer], depth: '0', at: (k) => `[this.thread.x][${k}]` };
  return {
    output: around.resized(1),
    depth: 'this.thread.z',
    at: (k) => `[(${k}) * ${around.rows} + this.thread.y][this.thread.x]`,
  };
}
