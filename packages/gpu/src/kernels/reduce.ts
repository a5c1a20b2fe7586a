import type { DType, Graph, NodeOf, Shape } from '@atrous/core';
import { type Launch, launch, type Operand, type Recipe, type View } from '../kernel.js';
import { type AxisView, axisView, product } from '../layout.js';
import { bothPlanes, launchPairs, lessThan, readPair, wrapHigh } from './int32.js';

/** Elements that one thread reduces: longer axes are reduced in stages, in parallel and with a smaller error. */
const perThread = 64;

type Kind = 'sum' | 'max';

export interface ReduceOptions {
  readonly dtype?: DType;
  /** What the result is divided by. */
  readonly divisor?: number;
}

/** Launches that reduce an axis to size 1, in stages. */
export function reduceAxis(
  around: AxisView,
  kind: Kind,
  from: Operand,
  firstLaunch: number,
  { dtype = 'float32', divisor = 1 }: ReduceOptions = {},
): Launch[] {
  const launches: Launch[] = [];
  let operand = from;
  let size = around.size;
  do {
    const parts = Math.ceil(size / perThread);
    const place = stagePlace(around, size, parts);
    launches.push(
      dtype === 'int32'
        ? int32Stage(place, size, parts, kind, operand)
        : floatStage(place, size, parts, kind, operand, parts === 1 ? divisor : 1),
    );
    operand = { launch: firstLaunch + launches.length - 1 };
    size = parts;
  } while (size > 1);
  return launches;
}

/** How one stage sees its input and result, and where element `k` of the axis is. */
interface StagePlace {
  readonly view: View;
  readonly output: View;
  readonly part: string;
  /** Declares what `at` needs. */
  readonly lines: readonly string[];
  at(k: string): string;
}

function stagePlace(around: AxisView, size: number, parts: number): StagePlace {
  const { rows } = around;
  if (around.isLast)
    return {
      view: around.resized(size),
      output: around.resized(parts),
      part: 'this.thread.x',
      lines: [],
      at: (k) => `[this.thread.y][${k}]`,
    };
  // Output row p * rows + y holds what part p of the axis gives at row y.
  const [part, row] =
    parts === 1
      ? ['0', 'this.thread.y']
      : rows === 1
        ? ['this.thread.y', '0']
        : [`Math.floor((this.thread.y + 0.5) / ${rows})`, `this.thread.y - part * ${rows}`];
  return {
    view: around.resized(size),
    output: around.resized(parts),
    part,
    lines: [`const row = ${row};`],
    at: (k) => `[(${k}) * ${rows} + row][this.thread.x]`,
  };
}

/** Visits the elements `k` of the part. */
function visit(size: number, parts: number, body: readonly string[]): string[] {
  const partial = parts > 1 && size % perThread !== 0;
  return [
    'for (let i = 0; i < count; i += 1) {',
    ...(partial ? [`if (first + i < ${size}) {`] : []),
    ...body,
    ...(partial ? ['}'] : []),
    '}',
  ];
}

const declarePart = (place: StagePlace): string[] => [
  `const part = ${place.part};`,
  ...place.lines,
  `const first = part * ${perThread};`,
];

function floatStage(
  place: StagePlace,
  size: number,
  parts: number,
  kind: Kind,
  from: Operand,
  divisor: number,
): Launch {
  const read = (k: string) => `x[this.thread.z]${place.at(k)}`;
  return launch({
    output: place.output,
    arrays: [{ name: 'x', from, view: place.view }],
    scalars: { count: Math.min(size, perThread), ...(divisor === 1 ? {} : { divisor }) },
    body: [
      ...declarePart(place),
      `let v = ${kind === 'max' ? read('first') : '0'};`,
      ...visit(size, parts, [
        `const e = ${read('first + i')};`,
        kind === 'max' ? 'if (e > v || !(e === e)) { v = e; }' : 'v += e;',
      ]),
      divisor === 1 ? 'return v;' : 'return v / divisor;',
    ].join('\n'),
  });
}

function int32Stage(place: StagePlace, size: number, parts: number, kind: Kind, from: Operand): Launch {
  const depth = place.view[0];
  const read = (name: string, k: string) => readPair(name, 'x', depth, 'z', place.at(k));
  return launchPairs({
    output: place.output,
    arrays: [{ name: 'x', from, view: bothPlanes(place.view) }],
    scalars: { count: Math.min(size, perThread) },
    body: [
      ...declarePart(place),
      ...(kind === 'max' ? [read('v', 'first')] : ['let vh = 0;', 'let vl = 0;']),
      ...visit(size, parts, [
        read('e', 'first + i'),
        kind === 'max' ? `if (${lessThan('v', 'e')}) { vh = eh; vl = el; }` : 'vh += eh;\nvl += el;',
      ]),
      ...(kind === 'max'
        ? []
        : [
            'const carry = Math.floor(vl / 65536);',
            'vl = vl - carry * 65536;',
            'vh = vh + carry;',
            wrapHigh('vh'),
          ]),
    ].join('\n'),
  });
}

/** Reduction over any axes: runs of neighbouring axes one after the other. */
export function reduce(node: NodeOf<'reduce'>, graph: Graph): Recipe {
  let shape: Shape = graph.nodes[node.inputs[0]!]!.shape;
  const count = product(node.axes.map((axis) => shape[axis]!));
  const runs = runsOf(node.axes, shape);
  const launches: Launch[] = [];
  runs.forEach(([axis, axes], i) => {
    const from: Operand = launches.length === 0 ? { input: 0 } : { launch: launches.length - 1 };
    const divisor = node.fn === 'mean' && i === runs.length - 1 ? count : 1;
    launches.push(
      ...reduceAxis(axisView(shape, axis, axes), node.fn === 'max' ? 'max' : 'sum', from, launches.length, {
        dtype: node.dtype,
        divisor,
      }),
    );
    shape = shape.map((size, a) => (a >= axis && a < axis + axes ? 1 : size));
  });
  return { algorithm: 'stages', launches };
}

/** Neighbouring axes together, as `[first axis, number of axes]`; axes of size 1 belong to the run around them. */
function runsOf(axes: readonly number[], shape: Shape): (readonly [number, number])[] {
  const runs: [number, number][] = [];
  for (const axis of [...axes].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    const gap = last && shape.slice(last[0] + last[1], axis).every((size) => size === 1);
    if (last && gap) last[1] = axis - last[0] + 1;
    else runs.push([axis, 1]);
  }
  return runs.length > 0 ? runs : [[0, 0]];
}
