import { readFile } from 'node:fs/promises';

/** Wrong usage: exit code 2. */
export class UsageError extends Error {}

export interface Values {
  readonly [name: string]: string | boolean | readonly (string | boolean)[] | undefined;
}

/** What a command prints and how it ends. */
export interface Outcome {
  readonly output: string;
  readonly code?: 0 | 1;
}

/** The one file that a command is about. */
export function modelPath(words: readonly string[], command: string): string {
  const [path, ...more] = words;
  if (path === undefined)
    throw new UsageError(`there is no file, for example: atrous-onnx ${command} model.onnx`);
  if (more.length) throw new UsageError(`${command} takes one file, not also "${more.join(' ')}"`);
  return path;
}

export const textOf = (values: Values, name: string): string | undefined =>
  values[name] as string | undefined;

/** An option that may be repeated, as `name=value` or `value`. */
export function named(values: Values, option: string): { name: string | undefined; value: string }[] {
  return ((values[option] as readonly string[] | undefined) ?? []).map((text) => {
    const at = text.indexOf('=');
    const [name, value] = at < 0 ? [undefined, text] : [text.slice(0, at), text.slice(at + 1)];
    if (value === '' || name === '')
      throw new UsageError(`--${option} takes a value or name=value, not "${text}"`);
    return { name, value };
  });
}

/** What was given by name; a value without a name is the first one's. */
export function byName(
  given: readonly { name: string | undefined; value: string }[],
  known: readonly string[],
  option: string,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name = known[0], value } of given) {
    if (name === undefined || !known.includes(name))
      throw new UsageError(
        `--${option}: the network has no "${name}" but ${known.length ? known.join(', ') : 'none'}`,
      );
    if (found.has(name)) throw new UsageError(`--${option}: ${name} is given twice`);
    found.set(name, value);
  }
  return found;
}

export function wholeNumber(values: Values, name: string): number | undefined {
  const text = textOf(values, name);
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`--${name} takes a positive integer, not "${text}"`);
  return Number(text);
}

/** Reads a file whole; the error says which. */
export const bytesOf = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(path));
