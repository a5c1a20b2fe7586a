import type { Epilogue, Graph, Shape } from '@atrous/core';
import type { FusedNode } from '@atrous/core/backend';
import { storedValue } from '../dtype.js';
import { type ArrayArgument, type Launch, maxArrays, type Operand, type Recipe } from '../kernel.js';
import { bothPlanes, int32Binary, int32Unary, launchPairs, lessThan, readPair } from './int32.js';
import { elementPlace, operandKind, type Place, readOperand, splitSteps, stepsOf } from './pointwise.js';

/** A pointwise node of int32 with its epilogue. */
export function pointwiseInt32(node: FusedNode, graph: Graph): Recipe {
  const shapes = node.inputs.map((input) => graph.nodes[input]!.shape);
  const launches: Launch[] = [];
  let rest = stepsOf(node);
  let left: LeftOperand = { from: { input: 0 }, shape: shapes[0]! };
  do {
    const [now, later] = splitSteps(rest, maxArrays - 1);
    launches.push(pairsLaunch(now, node, shapes, left));
    left = { from: { launch: launches.length - 1 }, shape: node.shape };
    rest = later;
  } while (rest.length > 0);
  return { algorithm: 'elementwise', launches };
}

interface LeftOperand {
  readonly from: Operand;
  readonly shape: Shape;
}

function pairsLaunch(
  steps: readonly Epilogue[],
  node: FusedNode,
  shapes: readonly Shape[],
  left: LeftOperand,
): Launch {
  const operands = steps.flatMap((step) => (step.kind === 'binary' ? [shapes[step.operand]!] : []));
  const kinds = [left.shape, ...operands].map((shape) => operandKind(shape, node.shape));
  const place = elementPlace(node.shape, kinds.includes('channel'));
  const arrays: ArrayArgument[] = [];
  const scalars: Record<string, number> = {};

  function read(name: string, from: Operand, shape: Shape): string {
    const { view, at } = readOperand(shape, node.shape, inPlane(place));
    const array = `${name}Array`;
    arrays.push({ name: array, from, view: bothPlanes(view) });
    const [z, ...behind] = at.slice(1, -1).split('][');
    return readPair(name, array, view[0], z!, behind.map((index) => `[${index}]`).join(''));
  }

  function clipText(id: string, bound: number, test: string): string {
    const [h, l] = storedValue('int32', wholeBound(bound));
    scalars[`${id}h`] = h!;
    scalars[`${id}l`] = l!;
    return `if (${test}) { vh = ${id}h; vl = ${id}l; }`;
  }

  const lines = [read('v', left.from, left.shape)];
  steps.forEach((step, i) => {
    switch (step.kind) {
      case 'unary':
        lines.push(int32Unary[step.fn]!);
        break;
      case 'clip':
        lines.push(
          clipText(`low${i}`, step.min, lessThan('v', `low${i}`)),
          clipText(`high${i}`, step.max, lessThan(`high${i}`, 'v')),
        );
        break;
      case 'binary':
        if (step.fn === 'div') scalars.bits = 32;
        lines.push(
          read(`b${i}`, { input: step.operand }, shapes[step.operand]!),
          int32Binary[step.fn]!(`b${i}`),
        );
    }
  });
  return launchPairs({ output: place.view, arrays, scalars, body: lines.join('\n') });
}

/** The place inside one plane, where `z` stands for the depth. */
const inPlane = (place: Place): Place => ({
  ...place,
  at: place.at.replaceAll('this.thread.z', 'z'),
  channel: place.channel.replaceAll('this.thread.z', 'z'),
});

/** The whole number that clipping int32 at this bound stores. */
const wholeBound = (bound: number): number => Math.trunc(Math.min(Math.max(bound, -(2 ** 31)), 2 ** 31 - 1));
