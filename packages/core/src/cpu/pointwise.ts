import type { Epilogue, FusedNode } from '../fuse.js';
import type { Constant, Shape } from '../graph.js';
import { elementCount } from '../shape.js';
import {
  argumentsOf,
  emitPointwise,
  fixedArguments,
  type OperandMode,
  type PointwiseStep,
  pointwiseName,
  type VectorBinary,
} from './kernels/pointwise.js';
import type { Lowered, Lowering } from './lower.js';
import type { KernelOperation } from './operation.js';
import { Tables } from './tables.js';
import {
  type Address,
  absolute,
  addressOf,
  type Layout,
  makeValue,
  plus,
  positionsOf,
  roundUp,
  type Value,
} from './values.js';

/** Elements of one task. */
const elementsPerTask = 1 << 18;
const mostArguments = 13;

/** Where an operand's bytes are: in the program's memory, or packed with the constants. */
type Source = { readonly mode: OperandMode } & ({ readonly value: Value } | { readonly packed: string });

type Step =
  | Exclude<PointwiseStep, { kind: 'binary' }>
  | (Extract<PointwiseStep, { kind: 'binary' }> & { readonly source: Source });

/** Pointwise nodes of float32 with their epilogue. */
export const lowerPointwise: Lowering = (node, index, lowered) => {
  if (node.dtype !== 'float32') return undefined;
  const head: Epilogue[] =
    node.kind === 'unary'
      ? [{ kind: 'unary', fn: node.fn }]
      : node.kind === 'clip'
        ? [{ kind: 'clip', min: node.min, max: node.max }]
        : node.kind === 'binary'
          ? [{ kind: 'binary', fn: node.fn, operand: 1 }]
          : [];
  return pointwiseChain(node, [...head, ...(node.epilogue ?? [])], node.inputs[0]!, index, lowered);
};

/** Applies the rest of an epilogue to a value that was just computed. */
export function pointwiseAfter(
  value: Value,
  steps: readonly Epilogue[],
  node: FusedNode,
  index: number,
  lowered: Lowered,
): KernelOperation | undefined {
  return pointwiseChain(node, steps, value, index, lowered);
}

function pointwiseChain(
  node: FusedNode,
  epilogue: readonly Epilogue[],
  start: number | Value,
  index: number,
  lowered: Lowered,
): KernelOperation | undefined {
  if (epilogue.some((step) => step.kind === 'binary' && step.fn === 'pow')) return undefined;
  const layout = layoutFor(node, epilogue, start, lowered);
  if (layout === undefined) return undefined;
  const packed: string[] = [];
  const source =
    typeof start === 'number'
      ? sourceOf(start, node.shape, layout, lowered, packed)
      : { mode: 'whole' as const, value: start };
  const tables = new Tables(lowered.engine);
  const steps = epilogue
    .map((step): Step => {
      if (step.kind !== 'binary') return step.kind === 'clip' ? { kind: 'clip' } : step;
      return {
        kind: 'binary',
        fn: step.fn as VectorBinary,
        mode: 'one',
        source: sourceOf(node.inputs[step.operand]!, node.shape, layout, lowered, packed),
      };
    })
    .map((step) => (step.kind === 'binary' ? { ...step, mode: step.source.mode } : step));
  const bounds = epilogue.map((step) => (step.kind === 'clip' ? tables.addFloats([step.min, step.max]) : 0));
  const output = makeValue(layout, node.shape, 'float32');
  const inputs = [source, ...steps.flatMap((step) => (step.kind === 'binary' ? [step.source] : []))].flatMap(
    (s) => ('value' in s ? [s.value] : []),
  );
  const { engine } = lowered;
  return {
    name: lowered.label(index),
    algorithm: 'pointwise',
    macs: 0,
    inputs,
    output,
    emit(calls) {
      const channels = layout === 'channels';
      const positions = channels ? positionsOf(node.shape) : 1;
      const vectors = channels ? roundUp(node.shape[1]!, 4) / 4 : Math.ceil(elementCount(node.shape) / 4);
      const yStride = 4 * output.storage.pitch;
      const placeOf = (s: Source): Address =>
        'value' in s ? addressOf(s.value) : absolute(engine.addressOf(s.packed));
      const strideOf = (s: Source) =>
        'value' in s ? 4 * s.value.storage.pitch : yStride === 0 ? 0 : 16 * vectors;
      // Tasks cut the positions of channels-last values, or the vectors of a flat one.
      const [rows, perTask] = channels
        ? [positions, Math.max(1, Math.floor(elementsPerTask / (4 * vectors)))]
        : [vectors, elementsPerTask / 4];
      for (let first = 0; first < rows; first += perTask) {
        const count = Math.min(perTask, rows - first);
        const at = (s: Source) =>
          s.mode === 'whole' ? plus(placeOf(s), first * (channels ? strideOf(s) : 16)) : placeOf(s);
        const y = plus(addressOf(output), first * (channels ? yStride : 16));
        let from: Source = source;
        for (const { steps: part, first: firstStep } of splitSteps(steps)) {
          const kernel = engine.kernel(`pointwise ${pointwiseName(from.mode, part)}`, 'run', (module) =>
            emitPointwise(module, from.mode, part),
          );
          const args = part.flatMap((step, i) => {
            if (step.kind === 'clip') return [bounds[firstStep + i]!];
            return step.kind === 'binary'
              ? [at(step.source), strideOf(step.source)].slice(0, argumentsOf(step))
              : [];
          });
          calls.call(
            kernel,
            from === source ? at(source) : y,
            y,
            channels ? count : 1,
            channels ? vectors : count,
            strideOf(from),
            yStride,
            ...args,
          );
          from = { mode: 'whole', value: output };
        }
        calls.endTask();
      }
    },
    dispose() {
      tables.dispose();
      for (const key of packed) engine.unpack(key);
    },
  };
}

/** Parts of a chain whose arguments fit into one call. */
function splitSteps(steps: readonly Step[]): { first: number; steps: Step[] }[] {
  const parts: { first: number; steps: Step[] }[] = [];
  let used = fixedArguments;
  steps.forEach((step, i) => {
    if (parts.length === 0 || used + argumentsOf(step) > mostArguments || parts.at(-1)!.steps.length >= 16) {
      parts.push({ first: i, steps: [] });
      used = fixedArguments;
    }
    parts.at(-1)!.steps.push(step);
    used += argumentsOf(step);
  });
  return parts;
}

const modeOf = (operand: Shape, shape: Shape): OperandMode => {
  if (operand.length === shape.length && operand.every((size, axis) => size === shape[axis])) return 'whole';
  return elementCount(operand) === 1 ? 'one' : 'channel';
};

/** Channels-last if some input is already so or if values per channel are read; else flat, as it stands. */
function layoutFor(
  node: FusedNode,
  epilogue: readonly Epilogue[],
  start: number | Value,
  lowered: Lowered,
): Layout | undefined {
  if (typeof start !== 'number') return start.layout;
  const operands = [
    start,
    ...epilogue.flatMap((step) => (step.kind === 'binary' ? [node.inputs[step.operand]!] : [])),
  ];
  const modes = operands.map((operand) => modeOf(lowered.graph.nodes[operand]!.shape, node.shape));
  const possible = node.shape.length >= 3 && node.shape.length <= 5;
  if (possible && (modes.includes('channel') || operands.some((operand) => lowered.has(operand, 'channels'))))
    return 'channels';
  return modes.includes('channel') ? undefined : 'plain';
}

function sourceOf(index: number, shape: Shape, layout: Layout, lowered: Lowered, packed: string[]): Source {
  const operandShape = lowered.graph.nodes[index]!.shape;
  const mode = modeOf(operandShape, shape);
  const constant = lowered.constantOf(index);
  if (constant === undefined) {
    // One value, and one value per channel, lie alike in both layouts.
    return { mode, value: lowered.value(index, mode === 'whole' ? layout : 'plain') };
  }
  const key =
    mode === 'whole' && layout === 'channels'
      ? packChannels(constant, operandShape, lowered)
      : packPlain(constant, lowered);
  packed.push(key);
  return { mode, packed: key };
}

function packPlain(constant: Constant, { engine }: Lowered): string {
  return engine.pack([constant], 'plain', 4 * constant.data.length + 64, (address) =>
    engine.floats.set(constant.data, address / 4),
  );
}

function packChannels(constant: Constant, shape: Shape, { engine }: Lowered): string {
  const [batch, channels] = shape as readonly [number, number];
  const pitch = roundUp(channels, 4);
  const positions = positionsOf(shape) / batch;
  return engine.pack([constant], `channels ${shape}`, 4 * batch * positions * pitch, (address) => {
    const { floats } = engine;
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < channels; c++)
        for (let p = 0; p < positions; p++)
          floats[address / 4 + (n * positions + p) * pitch + c] =
            constant.data[(n * channels + c) * positions + p]!;
  });
}
