import { OptionError, type Tensor } from '@atrous/core';
import { type Block, block } from '../block.js';

/** A part of a backbone whose output can be asked for. */
export interface Stage {
  /** Name of the child. */
  readonly name: string;
  readonly block: Block;
  /** Channels of its output. */
  readonly channels: number;
  /** Its own stride: input samples per output. */
  readonly stride: number;
}

/** Names of feature maps, each with the child that it is the output of: `{ out: 'layer4', low: 'layer1' }`. */
export type Returns = Readonly<Record<string, string>>;

/** A block that turns a picture into feature maps, by name, and says how wide and how coarse they are. */
export interface Backbone<R extends Returns = Returns>
  extends Block<[Tensor], { readonly [K in keyof R]: Tensor }> {
  /** Channels of each map. */
  readonly channels: { readonly [K in keyof R]: number };
  /** Input samples per step of each map: 8 means an eighth of the picture's size, rounded up. */
  readonly strides: { readonly [K in keyof R]: number };
}

/**
 * Stages one after the other, of which some outputs are returned. Stages behind the last returned one are left out,
 * with their parameters, like torchvision's `IntermediateLayerGetter`.
 *
 * @throws OptionError for a name that is no stage, and where nothing is returned
 */
export function backbone<R extends Returns>(op: string, stages: readonly Stage[], returns: R): Backbone<R> {
  const names = stages.map(({ name }) => name);
  const wanted = Object.entries(returns).map(([as, name]) => ({
    as,
    position: positionOf(op, names, as, name),
  }));
  if (wanted.length === 0)
    throw new OptionError(
      `${op}: returns is empty; name at least one map, such as { out: '${names.at(-1)}' }`,
      { returns },
    );
  const kept = stages.slice(0, Math.max(...wanted.map(({ position }) => position)) + 1);
  const byMap = <T>(of: (position: number) => T) =>
    Object.fromEntries(wanted.map(({ as, position }) => [as, of(position)])) as {
      readonly [K in keyof R]: T;
    };
  const made = block(childrenOf(kept), (m, x: Tensor) => {
    let y = x;
    const outputs = kept.map(({ name }) => {
      y = m[name]!(y);
      return y;
    });
    return byMap((position) => outputs[position]!);
  });
  return Object.assign(made, {
    channels: byMap((position) => stages[position]!.channels),
    strides: byMap((position) => stages.slice(0, position + 1).reduce((product, s) => product * s.stride, 1)),
  });
}

/** The blocks of stages by name. */
export const childrenOf = (stages: readonly Stage[]): Readonly<Record<string, Block>> =>
  Object.fromEntries(stages.map(({ name, block }) => [name, block]));

function positionOf(op: string, names: readonly string[], as: string, name: string): number {
  const position = names.indexOf(name);
  if (position < 0)
    throw new OptionError(
      `${op}: returns.${as} is '${String(name)}', which is none of the children ${names.join(', ')}`,
      { returns: { [as]: name }, names },
    );
  return position;
}

/** Options of every backbone: maps by name, or a classifier. */
export interface BackboneOutput<R extends Returns> {
  /** The feature maps to return. Default `out`: the last. */
  readonly returns?: R | undefined;
  /** Classes of the classifier. Given, the block is the whole classification network. */
  readonly numClasses?: undefined;
}

export interface ClassifierOutput {
  /** Classes of the classifier. Given, the block is the whole classification network. */
  readonly numClasses: number;
  readonly returns?: undefined;
}

/** Throws where both feature maps and a classifier are asked for. */
export function checkOutput(
  op: string,
  { returns, numClasses }: { readonly returns?: unknown; readonly numClasses?: unknown },
): void {
  if (returns !== undefined && numClasses !== undefined)
    throw new OptionError(
      `${op}: returns gives feature maps and numClasses a classifier; give one of the two (numClasses ${String(numClasses)})`,
      { returns, numClasses },
    );
}
