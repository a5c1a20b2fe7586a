import { OptionError } from '@atrous/core';
import type { Layer, PerAxis } from '@atrous/rf';
import { parseLayers } from '@atrous/rf/report';

/** Bounds that keep every analysis fast enough to wait for. */
export const limits = {
  characters: 1000,
  layers: 128,
  depth: 6,
  kernel: 64,
  stride: 32,
  dilation: 1024,
  padding: 4096,
  scale: 16,
} as const;

/** The kinds of layer that the editor offers, by the name that people read. */
export const kinds = {
  conv: 'convolution',
  convTranspose: 'transposed convolution',
  maxPool: 'max pooling',
  avgPool: 'average pooling',
  nearest: 'upsampling, nearest',
  linear: 'upsampling, linear',
  pad: 'padding or cropping',
  globalPool: 'global pooling',
  parallel: 'branches',
} as const;

export type Kind = keyof typeof kinds;

/** A place in a stack: the index of a layer, then branch and index within it, and so on. */
export type Path = readonly number[];

export function kindOf(layer: Layer): Kind {
  if ('parallel' in layer) return 'parallel';
  if (layer.type === 'resize') return layer.mode ?? 'nearest';
  return layer.type ?? 'conv';
}

/**
 * Reads a schedule from its notation, within the limits of the page.
 *
 * @throws OptionError for a text or network beyond these limits; NotationError for one that cannot be read
 */
export function readStack(text: string, axes: 1 | 2): readonly Layer[] {
  if (text.length > limits.characters)
    throw new OptionError(
      `a description has at most ${limits.characters} characters but this one has ${text.length}`,
      { length: text.length },
    );
  const layers = parseLayers(text);
  checkStack(layers, axes);
  return layers;
}

/** The same without padding that keeps the middle in the middle, so that it follows when a kernel is edited. */
export function withoutCentredPadding(layer: Layer): Layer {
  if ('parallel' in layer)
    return { ...layer, parallel: layer.parallel.map((list) => list.map(withoutCentredPadding)) };
  if (!('kernel' in layer) || layer.padding === undefined) return layer;
  const { padding, ...bare } = layer;
  const [centred] = parseLayers(wordOf(bare));
  return centred && 'padding' in centred && String(centred.padding) === String(padding) ? bare : layer;
}

/** Writes a stack (without centred padding) in the notation that `readStack` reads, as short as it gets. */
export function writeStack(layers: readonly Layer[]): string {
  const words: string[] = [];
  for (let from = 0; from < layers.length; ) {
    const layer = layers[from]!;
    const base = wordOf(rated(layer, 1));
    let to = from + 1;
    while (to < layers.length && wordOf(rated(layers[to]!, 1)) === base) to++;
    const rates = layers.slice(from, to).map(rateOf);
    words.push(...runOf(base, rates));
    from = to;
  }
  return words.join(' ');
}

/** Replaces the layer at a path by any number of others. */
export function replaceAt(
  layers: readonly Layer[],
  [index, branch, ...rest]: Path,
  change: (layer: Layer) => readonly Layer[],
): readonly Layer[] {
  return layers.flatMap((layer, i) => {
    if (i !== index) return [layer];
    if (branch === undefined || !('parallel' in layer)) return change(layer);
    const parallel = layer.parallel.map((list, b) => (b === branch ? replaceAt(list, rest, change) : list));
    return [{ ...layer, parallel }];
  });
}

/** The list that a path is in: the stack itself or a branch. */
export function listAt(layers: readonly Layer[], [index, branch, ...rest]: Path): readonly Layer[] {
  const layer = layers[index!];
  return branch === undefined || !layer || !('parallel' in layer)
    ? layers
    : listAt(layer.parallel[branch]!, rest);
}

/** Exchanges the layer at a path with the one before (−1) or after it (1), in the same list. */
export function moveAt(layers: readonly Layer[], path: Path, by: -1 | 1): readonly Layer[] {
  const index = path.at(-1)!;
  const list = listAt(layers, path);
  const other = list[index + by];
  if (!other) return layers;
  const first = Math.min(index, index + by);
  const pair = [list[first + 1]!, list[first]!];
  // the first of the two becomes both, in the other order, and the second goes
  const without = replaceAt(layers, path.with(-1, first + 1), () => []);
  return replaceAt(without, path.with(-1, first), () => pair);
}

/** A layer of another kind that keeps what both have in common. */
export function changeKind(layer: Layer, kind: Kind): Layer {
  const kernel = 'kernel' in layer ? layer.kernel : kind === 'conv' ? 3 : 2;
  switch (kind) {
    case 'conv':
      return { kernel };
    case 'maxPool':
    case 'avgPool':
      return { type: kind, kernel };
    case 'convTranspose':
      return { type: kind, kernel, stride: 2 };
    case 'nearest':
    case 'linear':
      return { type: 'resize', mode: kind, scale: layer.type === 'resize' ? (layer.scale ?? 2) : 2 };
    case 'pad':
      return { type: 'pad', padding: 1 };
    case 'globalPool':
      return { type: 'globalPool' };
    case 'parallel':
      return { parallel: [[layer], []] };
  }
}

/** Names every layer by its place, as the editor numbers it: `layer 3`, `layer 4.2.1` within branch 2 of layer 4. */
export const named = (layers: readonly Layer[], prefix = ''): readonly Layer[] =>
  layers.map((layer, i) => {
    const place = `${prefix}${i + 1}`;
    if (!('parallel' in layer)) return { ...layer, name: `layer ${place}` };
    const parallel = layer.parallel.map((list, b) => named(list, `${place}.${b + 1}.`));
    return { ...layer, parallel, name: `layer ${place}` };
  });

/** Checks that a stack is within the limits of the page. */
function checkStack(layers: readonly Layer[], axes: 1 | 2): void {
  let count = 0;
  const check = (list: readonly Layer[], depth: number): void => {
    if (depth > limits.depth)
      throw new OptionError(`branches are nested at most ${limits.depth} deep here`, { depth });
    for (const layer of list) {
      if (++count > limits.layers)
        throw new OptionError(`at most ${limits.layers} layers are analysed here`, { layers: count });
      if ('parallel' in layer) for (const branch of layer.parallel) check(branch, depth + 1);
      else checkLayer(layer, axes);
    }
  };
  check(layers, 0);
}

function checkLayer(layer: Exclude<Layer, { parallel: unknown }>, axes: 1 | 2): void {
  for (const name of ['kernel', 'stride', 'dilation', 'padding', 'scale'] as const) {
    const value: unknown = name in layer ? layer[name as keyof typeof layer] : undefined;
    const list = (Array.isArray(value) ? value : [value]).filter((entry) => typeof entry === 'number');
    const largest = limits[name];
    const outside = list.find((entry) => Math.abs(entry) > largest);
    if (outside !== undefined)
      throw new OptionError(`${name} is at most ${largest} here but is ${outside}`, { [name]: value });
    if (Array.isArray(value) && value.length !== axes)
      throw new OptionError(
        `${name} ${value.join('×')} has ${value.length} entries but there ${axes === 1 ? 'is 1 axis' : `are ${axes} axes`}; give one number, or ${axes}`,
        { [name]: value, axes },
      );
  }
}

const rateOf = (layer: Layer): string => ('kernel' in layer ? joined(layer.dilation ?? 1) : '');

const rated = (layer: Layer, dilation: number): Layer => ('kernel' in layer ? { ...layer, dilation } : layer);

const joined = (value: PerAxis): string => (typeof value === 'number' ? `${value}` : value.join('x'));

/** Layers that differ in nothing but their rates. */
function runOf(base: string, rates: readonly string[]): string[] {
  if (rates.some((rate) => rate !== rates[0])) return [`${base}d${rates.join()}`];
  const one = ['', '1'].includes(rates[0]!) ? base : `${base}d${rates[0]}`;
  const [spelled, counted] = [rates.map(() => one), [one, `x${rates.length}`]];
  return spelled.join(' ').length <= counted.join(' ').length ? spelled : counted;
}

/** One layer in the notation. */
function wordOf(layer: Layer): string {
  if ('parallel' in layer) return `[ ${layer.parallel.map(writeStack).join(' | ')} ]`.replaceAll('  ', ' ');
  if (layer.type === 'globalPool') return 'global';
  if (layer.type === 'resize') return `${layer.mode}${joined(layer.scale!)}`;
  if (layer.type === 'pad') {
    const values = (Array.isArray(layer.padding) ? layer.padding : [layer.padding]) as number[];
    return `${values[0]! < 0 ? 'crop' : 'pad'}${values.map(Math.abs).join('x')}`;
  }
  const prefix = { conv: '', convTranspose: 'transposed', maxPool: 'max', avgPool: 'avg' };
  const { type = 'conv', kernel, stride, dilation, padding, channels, groups } = layer;
  const suffixes = Object.entries({ s: stride, p: padding, c: channels, g: groups, d: dilation })
    .filter(([letter, value]) => value !== undefined && !(letter === 'd' && joined(value as PerAxis) === '1'))
    .map(([letter, value]) => `${letter}${joined(value as PerAxis)}`);
  return `${prefix[type]}${joined(kernel)}${suffixes.join('')}`;
}
