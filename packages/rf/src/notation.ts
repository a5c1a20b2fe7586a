import { RfError } from './error.js';
import type { Layer, PerAxis, WindowLayer } from './types.js';
import { span } from './window.js';

/** A word of a description that cannot be read; `from` and `to` are its place in `text`. */
export class NotationError extends RfError {
  readonly text: string;
  readonly from: number;
  readonly to: number;

  constructor(message: string, text: string, from: number, to: number) {
    super(message, { text, from, to });
    this.text = text;
    this.from = from;
    this.to = to;
  }
}

interface Word {
  readonly text: string;
  readonly from: number;
}

const kinds = 'conv|max|avg|transposed|nearest|linear|pad|crop';

/**
 * Reads layers from a short description, as the command takes it:
 *
 * - `3x3d2`, `7x7s2`, `5`, `1x7`: a convolution; after the kernel d dilation, s stride, p padding, c output channels,
 *   g groups, each a number or one per axis (`d2x4`). Padding is centred unless given: ⌊d(k−1)/2⌋ on both sides, and
 *   the size is kept at stride 1;
 * - `max2x2`, `avg3s2`, `transposed4s2p1`, `nearest2`, `linear2` (resize), `pad1`, `crop1`, `global`;
 * - `3x3 d2 x3`: the same apart, and three times; `3x3 d1,2,5`: one layer for each rate;
 * - `[ 1x1 | 3x3d6 | global ]`: branches; an empty one is the identity; `( 3x3 3x3d2 ) x2`: a group.
 *
 * @throws NotationError pointing at the word that cannot be read
 */
export function parseLayers(text: string): Layer[] {
  const words = [...text.matchAll(/[[\]()|]|[^\s[\]()|]+/g)].map(
    (match): Word => ({ text: match[0], from: match.index }),
  );
  const fail = (message: string, word: Word): never => {
    throw new NotationError(message, text, word.from, word.from + word.text.length);
  };
  if (!words.length)
    throw new NotationError(
      'there are no layers; write for example "3x3d1 3x3d2 3x3d5"',
      text,
      0,
      text.length,
    );
  let next = 0;

  const list = (opened: Word | undefined, depth: number): Layer[][] => {
    const branches: Layer[][] = [[]];
    // what the next modifier applies to: the layers that the last word made
    let last: Layer[] = [];
    let made = 0;
    const put = (layers: Layer[], word: Word) => {
      made += countOf(layers);
      if (made > mostLayers) fail(`"${word.text}": a description makes at most ${mostLayers} layers`, word);
      branches.at(-1)!.push(...layers);
      last = layers;
    };
    const replace = (layers: Layer[], word: Word) => {
      branches.at(-1)!.splice(branches.at(-1)!.length - last.length);
      made -= countOf(last);
      put(layers, word);
    };
    while (next < words.length) {
      const word = words[next++]!;
      if (word.text === ']' || word.text === ')') {
        if (opened && (opened.text === '[') === (word.text === ']')) return branches;
        fail(`"${word.text}" closes nothing`, word);
      }
      if (word.text === '[' || word.text === '(') {
        if (depth >= 32) fail('branches are nested more than 32 deep', word);
        const inner = list(word, depth + 1);
        put(word.text === '[' ? [{ parallel: inner }] : inner[0]!, word);
      } else if (word.text === '|') {
        if (opened?.text !== '[') fail('"|" separates branches and belongs between [ and ]', word);
        branches.push([]);
        last = [];
      } else if (/^[xdspcg]\d/.test(word.text)) {
        if (!last.length) fail(`"${word.text}" changes the layer before it, but there is none`, word);
        replace(modified(last, word, fail), word);
      } else {
        put(layersOf(word, fail), word);
      }
    }
    return opened ? fail(`"${opened.text}" is not closed`, opened) : branches;
  };
  return list(undefined, 0)[0]!.map(padded);
}

/** Layers that a description may make, those in branches included. */
const mostLayers = 10_000;

const countOf = (layers: readonly Layer[]): number =>
  layers.reduce(
    (count, layer) =>
      count + ('parallel' in layer ? layer.parallel.reduce((sum, branch) => sum + countOf(branch), 1) : 1),
    0,
  );

type Fail = (message: string, word: Word) => never;

/** The layers of one word. */
function layersOf(word: Word, fail: Fail): Layer[] {
  if (word.text === 'global') return [{ type: 'globalPool' }];
  const match = new RegExp(
    `^(${kinds})?(\\d+(?:\\.\\d+)?(?:x\\d+(?:\\.\\d+)?)*)((?:[dspcg]\\d[\\dx,]*)*)$`,
  ).exec(word.text);
  if (!match)
    return fail(
      `cannot read "${word.text}": a layer is a kernel such as 3x3 with d, s, p (3x3d2s1), or max2x2, avg2x2, transposed4x4s2, nearest2, linear2, pad1, crop1, global`,
      word,
    );
  const [, kind = 'conv', size = '', suffixes = ''] = match;
  const values = perAxis(size);
  if (kind === 'nearest' || kind === 'linear') {
    if (suffixes) fail(`"${word.text}": a resize takes a factor and nothing else`, word);
    return [{ type: 'resize', scale: values, mode: kind }];
  }
  if (kind === 'pad' || kind === 'crop') {
    if (suffixes || !whole(values))
      fail(`"${word.text}": ${kind} takes a whole number and nothing else`, word);
    const sign = kind === 'pad' ? 1 : -1;
    return [
      {
        type: 'pad',
        padding: typeof values === 'number' ? sign * values : values.map((value) => sign * value),
      },
    ];
  }
  if (!whole(values)) fail(`"${word.text}": a kernel has whole numbers of taps`, word);
  const types = { conv: 'conv', max: 'maxPool', avg: 'avgPool', transposed: 'convTranspose' } as const;
  const type = types[kind as keyof typeof types];
  let layers: Layer[] = [{ ...(type !== 'conv' && { type }), kernel: values }];
  for (const [suffix] of suffixes.matchAll(/[dspcg][\dx,]+/g))
    layers = modified(layers, { ...word, text: suffix }, (message) => fail(message, word));
  return layers;
}

/** Layers after a modifier such as d2, d1,2,5, s2 or x3. */
function modified(layers: readonly Layer[], word: Word, fail: Fail): Layer[] {
  const [letter, rest] = [word.text[0]!, word.text.slice(1)];
  const numbers = rest
    .split(',')
    .map((part) =>
      /^\d+(x\d+)*$/.test(part)
        ? perAxis(part)
        : fail(
            `cannot read "${word.text}": after "${letter}" comes a number, or one per axis (${letter}2x4)`,
            word,
          ),
    );
  const [value = 1] = numbers;
  if (letter === 'x') {
    if (typeof value !== 'number' || numbers.length > 1 || value < 1 || value * countOf(layers) > mostLayers)
      return fail(`"${word.text}": x repeats, for example x3, up to ${mostLayers} layers`, word);
    return Array.from({ length: value }, () => layers).flat();
  }
  if (numbers.length > 1 && letter !== 'd')
    return fail(`"${word.text}": only dilations are listed, such as d1,2,5`, word);
  if (numbers.length * layers.length > mostLayers)
    return fail(`"${word.text}": a description makes at most ${mostLayers} layers`, word);
  return numbers.flatMap((number) =>
    layers.map((layer) => change(layer, letter, number, (message) => fail(message, word))),
  );
}

const names = { d: 'dilation', s: 'stride', p: 'padding', c: 'channels', g: 'groups' } as const;

function change(layer: Layer, letter: string, value: PerAxis, fail: (message: string) => never): Layer {
  const name = names[letter as keyof typeof names];
  if ('parallel' in layer || !('kernel' in layer)) return fail(`${name} belongs to a convolution or pooling`);
  if ((name === 'channels' || name === 'groups') && typeof value !== 'number')
    return fail(`${name} is one number`);
  const zero = (Array.isArray(value) ? value : [value]).includes(0);
  if (zero && name !== 'padding') return fail(`${name} must be at least 1`);
  return { ...layer, [name]: value };
}

/** Padding that keeps the middle in the middle, where none was given. */
function padded(layer: Layer): Layer {
  if ('parallel' in layer) return { ...layer, parallel: layer.parallel.map((branch) => branch.map(padded)) };
  if (!('kernel' in layer) || layer.padding !== undefined) return layer;
  const pools = layer.type === 'maxPool' || layer.type === 'avgPool';
  const { kernel, dilation = 1, stride = pools ? kernel : 1 } = layer;
  if (layer.type !== 'convTranspose' && ones(stride))
    return { ...layer, padding: 'same' } satisfies WindowLayer;
  const rank = Math.max(
    ...[kernel, dilation, stride].map((value) => (typeof value === 'number' ? 1 : value.length)),
  );
  const at = (value: PerAxis, axis: number) => (typeof value === 'number' ? value : (value[axis] ?? 1));
  const padding = Array.from({ length: rank }, (_, axis) => {
    const reach = span(at(kernel, axis), at(dilation, axis));
    return Math.floor(Math.max(layer.type === 'convTranspose' ? reach - at(stride, axis) : reach - 1, 0) / 2);
  });
  return { ...layer, padding: rank === 1 ? padding[0]! : padding };
}

const ones = (value: PerAxis): boolean =>
  typeof value === 'number' ? value === 1 : value.every((one) => one === 1);

const whole = (value: PerAxis): boolean =>
  (Array.isArray(value) ? value : [value]).every((number) => Number.isInteger(number) && number > 0);

function perAxis(text: string): PerAxis {
  const numbers = text.split('x').map(Number);
  return numbers.length === 1 ? numbers[0]! : numbers;
}
