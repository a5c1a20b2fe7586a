import { type Budget, endless, type Limits, trim } from './block.js';
import { type Along, type Counts, merge, pass, sampleOf, start } from './counts.js';
import { budgetOf, type CoverageOptions, indexIn } from './coverage.js';
import { type Prepared, prepare, unknownSize } from './graph.js';
import { fill, gather, gatherSample, spread, unwrap } from './spread.js';
import type { Interval, Network, PerAxis } from './types.js';

/**
 * The outputs that one input influences, first and last per axis: the adjoint question to `inputRegion`. Without
 * `inputSize` on an endless map, where a global pool influences -Infinity to Infinity; with it on the real map.
 * Undefined where an input influences nothing.
 *
 * @param input index per axis
 * @throws RfError if the network makes no sense
 */
export function outputRegion(
  network: Network,
  input: PerAxis,
  options: CoverageOptions = {},
): readonly Interval[] | undefined {
  const prepared = prepare('outputRegion', network, options);
  const { sizes, source } = prepared;
  const at = indexIn(prepared, 'input', input, sizes?.[source]);
  const unbounded = at.map((_, axis) => !sizes && spreadsEverywhere(prepared, axis));
  const { terms, dense } = countOutputs(prepared, at, budgetOf(prepared, options), unbounded);
  const boxes = [...terms.map((term) => term.map(trim)), ...(dense ? [at.map(() => trim(dense))] : [])];
  if (!boxes.length) return undefined;
  return at.map((_, axis): Interval => {
    if (unbounded[axis]) return [-Infinity, Infinity];
    const intervals = boxes.map((box) => {
      const { start, shape } = box[axis]!;
      const own = shape.length > 1 ? axis : 0;
      return [start[own]!, start[own]! + shape[own]! - 1] as const;
    });
    return [Math.min(...intervals.map(([first]) => first)), Math.max(...intervals.map(([, last]) => last))];
  });
}

/** On an endless map, one value for all positions reaches all outputs. */
const spreadsEverywhere = ({ nodes, live }: Prepared, axis: number): boolean =>
  nodes.some(({ reach, inputs }, n) => {
    if (!live[n] || !reach || !live[inputs[0]!]) return false;
    return reach.type === 'everything' || (reach.type === 'sample' && reach.axes[axis]!.scale === 0);
  });

/** How many paths lead from one input to every output position. Axes marked in `ignored` are left as they are. */
function countOutputs(
  prepared: Prepared,
  at: readonly number[],
  budget: Budget,
  ignored: readonly boolean[],
): Counts {
  const { nodes, live, source, target } = prepared;
  const lastUse = new Uint32Array(nodes.length);
  nodes.forEach(({ inputs }, n) => {
    if (live[n]) for (const input of inputs) lastUse[input] = n;
  });
  const counts = new Map([[source, start(at)]]);
  for (let n = source + 1; n <= target; n++) {
    if (!live[n]) continue;
    const { inputs, reach } = nodes[n]!;
    const read = inputs.flatMap((input, k) => {
      const found = counts.get(input);
      return found
        ? [!k && reach ? pass(prepared, found, influencing(prepared, budget, n, ignored)) : found]
        : [];
    });
    for (const input of inputs) if (lastUse[input] === n) counts.delete(input);
    counts.set(n, merge(budget, read));
  }
  return counts.get(target)!;
}

/** From the inputs of node `n` to the outputs that read them: the adjoint of reading. */
function influencing(prepared: Prepared, budget: Budget, n: number, ignored: readonly boolean[]): Along {
  const { nodes, sizes, where } = prepared;
  const input = nodes[n]!.inputs[0]!;
  const reach = nodes[n]!.reach!;
  const [before, size] = [sizes?.[input], sizes?.[n]];
  if (sizes && !size) throw unknownSize(where, nodes, n);
  return (block, at, axis) => {
    if (ignored[axis]) return block;
    const limits: Limits = size ? [0, size[axis]! - 1] : endless;
    switch (reach.type) {
      case 'everything':
        return fill(budget, block, at, size![axis]!);
      case 'sample':
        return gatherSample(
          budget,
          block,
          at,
          sampleOf(prepared, reach.axes[axis]!, input, axis),
          limits,
          before?.[axis],
        );
      case 'transposed':
        return spread(budget, block, at, reach.axes[axis]!, limits);
      case 'window': {
        const window = reach.axes[axis]!;
        const placed = reach.wraps && before ? unwrap(budget, block, at, window, before[axis]!) : block;
        return gather(budget, placed, at, window, limits);
      }
    }
  };
}
