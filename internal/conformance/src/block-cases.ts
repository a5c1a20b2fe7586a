/** Golden cases of blocks: results of PyTorch on weights and inputs that a formula makes (python/README.md). */
import type { Block, Parameters } from '@atrous/blocks';
import type { Tensor } from '@atrous/core';
import { bits, fnv1a, formulaTensor, uniform } from './formula.js';
import { errorRatio } from './golden.js';

export interface BlockOutput {
  readonly shape: readonly number[];
  /** All elements, or those of a large output that `samplePositions` names. */
  readonly samples: readonly number[];
  /** Sum over all elements, each times a number that the formula makes for it. */
  readonly projection: number;
  /** Sum of the magnitudes of all elements. */
  readonly absSum: number;
  readonly atol: number;
  readonly rtol: number;
}

export interface BlockCase {
  readonly id: string;
  /** Name of the block within its family. */
  readonly block: string;
  /** Options of the block. */
  readonly config: unknown;
  /** `parameterSignature` of PyTorch's state dict. */
  readonly parameters: number;
  /** Shapes by name, in the order of the block's arguments. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** A single output is called `output`. */
  readonly outputs: Readonly<Record<string, BlockOutput>>;
}

/** A block of any number of tensors, which gives a tensor or tensors by name. */
// biome-ignore lint/suspicious/noExplicitAny: a block takes what its case names
export type AnyBlock = Block<any, Tensor | Readonly<Record<string, Tensor>>>;

/** What a file of golden/blocks holds. */
export interface BlockFile {
  readonly format: string;
  readonly cases: readonly BlockCase[];
}

/** Makes a block from the options of a case; which options, the name of the block says. */
export type MakeBlock = (config: never) => AnyBlock;

/** Blocks by the names that the cases use, with the cases themselves. */
export interface Family {
  readonly blocks: Readonly<Record<string, MakeBlock>>;
  readonly cases: readonly BlockCase[];
}

/**
 * Joins the cases of a file with the functions that make their blocks.
 *
 * @param file the JSON file as imported; its type is not looked at, its format is
 * @throws Error for another format and for a case whose block is not there
 */
export function family(file: unknown, blocks: Readonly<Record<string, MakeBlock>>): Family {
  const { format, cases } = file as BlockFile;
  if (format !== 'atrous-block-golden/1')
    throw new Error(
      `family: the file has format ${JSON.stringify(format)}, expected 'atrous-block-golden/1'`,
    );
  for (const { id, block } of cases)
    if (!Object.hasOwn(blocks, block))
      throw new Error(
        `family: case ${id} is of '${block}', which is none of ${Object.keys(blocks).join(', ')}`,
      );
  return { blocks, cases };
}

const sampleCount = 192;

/** Which elements of an output are stored: all of a small one. */
export function samplePositions(count: number): readonly number[] {
  if (count <= sampleCount) return Array.from({ length: count }, (_, i) => i);
  const word = bits('sample');
  return Array.from({ length: sampleCount }, (_, i) => word(i) % count);
}

/** One number for the names and shapes of all parameters. */
export function parameterSignature(parameters: AnyBlock['parameters']): number {
  const lines = Object.entries(parameters).map(([name, { shape }]) => `${name} ${shape.join('x')}`);
  return fnv1a(lines.sort().join('\n'));
}

/** The block of a case with its weights. Throws where its parameters are not those of PyTorch. */
export function blockOf({ blocks }: Family, { id, block, config, parameters }: BlockCase) {
  const made = (blocks[block] as (config: unknown) => AnyBlock)(config);
  if (parameterSignature(made.parameters) !== parameters)
    throw new Error(
      `${id}: the block has other parameters than PyTorch's module, which \`python/generate.py --parameters ${id}\` lists; the block has ${Object.entries(
        made.parameters,
      )
        .map(([name, { shape }]) => `${name} [${shape.join(', ')}]`)
        .join(', ')}`,
    );
  const given: Parameters = Object.fromEntries(
    Object.entries(made.parameters).map(([name, { shape }]) => [name, formulaTensor(name, shape)]),
  );
  return { block: made, parameters: given };
}

/** Products that one output of the widest layer adds up. */
export const widestSum = (parameters: AnyBlock['parameters']): number =>
  Math.max(1, ...Object.values(parameters).map(({ shape }) => shape.slice(1).reduce((a, b) => a * b, 1)));

/** Throws unless an output has the wanted shape, sampled values and sums. */
export function expectOutput(title: string, got: Tensor, want: BlockOutput, factor = 1): void {
  if (got.dtype !== 'float32' || got.shape.join() !== want.shape.join())
    throw new Error(`${title}: got ${got.dtype} [${got.shape}], expected float32 [${want.shape}]`);
  const values = got.dataSync();
  const [atol, rtol] = [want.atol * factor, want.rtol * factor];
  const samples = samplePositions(values.length).map((i) => values[i]!);
  const ratio = errorRatio(samples, want.samples, atol, rtol);
  if (!(ratio <= 1))
    throw new Error(
      `${title}: the error is ${ratio.toPrecision(3)} times the tolerance (atol ${atol}, rtol ${rtol})`,
    );
  const weight = uniform('projection');
  let projection = 0;
  let absSum = 0;
  for (let i = 0; i < values.length; i++) {
    projection += weight(i) * values[i]!;
    absSum += Math.abs(values[i]!);
  }
  // what every element may be off, added up
  const allowed = atol * values.length + rtol * want.absSum;
  for (const [name, sum, wanted] of [
    ['weighted sum', projection, want.projection],
    ['sum of magnitudes', absSum, want.absSum],
  ] as const)
    if (!(Math.abs(sum - wanted) <= allowed))
      throw new Error(
        `${title}: the stored samples agree, but the ${name} of all ${values.length} elements is ${sum} instead of ${wanted} (± ${allowed})`,
      );
}
