import { readFileSync } from 'node:fs';
import { RfError } from '../error.js';
import { NotationError, parseLayers } from '../notation.js';
import type { Layer, Network, NetworkOptions, PerAxis } from '../types.js';

/** Wrong usage: exit code 2. */
export class UsageError extends Error {}

/** A network as given on the command line, and what the file or the options say about it. */
export interface Given {
  readonly name: string;
  readonly network: Network;
  readonly options: NetworkOptions;
}

export interface Values {
  readonly [name: string]: string | boolean | readonly (string | boolean)[] | undefined;
}

/** Reads a description or a JSON file. */
export function networkOf(words: readonly string[], values: Values): Given {
  const name = words.join(' ');
  const options = optionsOf(values);
  if (words.length !== 1 || !/\.json$/i.test(words[0]!))
    return { name, network: pointing(() => parseLayers(name)), options };
  const content = readJson(name);
  checkKeys(Array.isArray(content) ? content : (content as { layers?: unknown }).layers, name);
  if (Array.isArray(content)) return { name, network: content as Layer[], options };
  const { layers, inputSize, ndim } = content as { layers?: Layer[]; inputSize?: PerAxis; ndim?: number };
  const own = { ...(inputSize !== undefined && { inputSize }), ...(ndim !== undefined && { ndim }) };
  return { name, network: (layers ?? content) as Network, options: { ...(layers && own), ...options } };
}

function readJson(file: string): object {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RfError(
      `cannot read ${file}: ${code === 'ENOENT' ? 'there is no such file' : (error as Error).message}`,
      { file },
    );
  }
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content === 'object' && content) return content;
  } catch (error) {
    throw new RfError(`${file} is no JSON: ${(error as Error).message}`, { file });
  }
  throw new RfError(
    `${file} must hold a list of layers, { "layers": […] } or { "nodes": […], "inputs": […], "outputs": […] }`,
    { file },
  );
}

const keys: readonly string[] = [
  ...['type', 'name', 'kernel', 'stride', 'dilation', 'padding', 'paddingMode', 'outputPadding', 'ceilMode'],
  ...['channels', 'groups', 'scale', 'size', 'mode', 'alignCorners', 'parallel', 'combine'],
];

/** Refuses a key that would be ignored: no type checker has seen a file. */
function checkKeys(layers: unknown, file: string, depth = 0): void {
  if (!Array.isArray(layers) || depth > 64) return;
  for (const layer of layers) {
    if (typeof layer !== 'object' || !layer) continue;
    const unknown = Object.keys(layer).find((key) => !keys.includes(key));
    if (unknown !== undefined)
      throw new RfError(`${file}: a layer has no "${unknown}"; it has ${keys.join(', ')}`, { key: unknown });
    for (const branch of Array.isArray(layer.parallel) ? layer.parallel : [])
      checkKeys(branch, file, depth + 1);
  }
}

/** Turns a word that cannot be read into a usage error that points at it. */
function pointing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof NotationError)) throw error;
    const { text, from, to, message } = error;
    throw new UsageError(
      text ? `${message}\n  ${text}\n  ${' '.repeat(from)}${'^'.repeat(Math.max(to - from, 1))}` : message,
    );
  }
}

function optionsOf(values: Values): NetworkOptions {
  const inputSize = perAxis(values, 'input-size');
  const ndim = integer(values, 'ndim');
  return { ...(inputSize !== undefined && { inputSize }), ...(ndim !== undefined && { ndim }) };
}

const wrong = (name: string, value: unknown, wanted: string) =>
  new UsageError(`--${name} takes ${wanted}, not "${value}"`);

export function integer(values: Values, name: string): number | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(String(value)) || Number(value) < 1) throw wrong(name, value, 'a positive integer');
  return Number(value);
}

/** `33` or `33x65`. */
export function perAxis(values: Values, name: string): PerAxis | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  if (!/^\d+(x\d+)*$/.test(String(value))) throw wrong(name, value, 'a size such as 33 or 33x65');
  const sizes = String(value).split('x').map(Number);
  return sizes.length === 1 ? sizes[0]! : sizes;
}

/** `4` or `2-5`. */
export function range(values: Values, name: string): number | readonly [number, number] | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  const match = /^(\d+)(?:-(\d+))?$/.exec(String(value));
  if (!match) throw wrong(name, value, 'a number or a range such as 2-5');
  return match[2] === undefined ? Number(match[1]) : [Number(match[1]), Number(match[2])];
}

/** `3` or `3,3,5`. */
export function numbers(values: Values, name: string): number | readonly number[] | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  if (!/^\d+(,\d+)*$/.test(String(value))) throw wrong(name, value, 'a number or a list such as 3,3,5');
  const list = String(value).split(',').map(Number);
  return list.length === 1 ? list[0]! : list;
}

export function choice<T extends string>(values: Values, name: string, choices: readonly T[]): T | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  if (!choices.includes(value as T)) throw wrong(name, value, choices.join(' or '));
  return value as T;
}

/** An option that a command cannot do without. */
export function required<T>(value: T | undefined, name: string, example: string): T {
  if (value === undefined) throw new UsageError(`--${name} is missing, for example --${name} ${example}`);
  return value;
}
