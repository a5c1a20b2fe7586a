import { existsSync } from 'node:fs';
import { join, parse, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { glob, isDynamicPattern } from 'tinyglobby';
import { UsageError } from './errors.js';
import type { Options } from './options.js';

/** One picture or volume, and where its results go. */
export interface Input {
  readonly path: string;
  /** For people. */
  readonly title: string;
  /** The name without ending, from which names of results are made. */
  readonly name: string;
  /** Nothing matches this pattern. */
  readonly missing?: boolean;
}

/** The folder with the sample; this module is built into one file that lies beside it. */
const assets = new URL('../assets/', import.meta.url);
const sampleOf = (name: string) => fileURLToPath(new URL(name, assets));

const nameOf = (path: string) => parse(path.replace(/\.nii\.gz$/i, '')).name;

/**
 * Turns paths and patterns into inputs, in order, each once.
 *
 * @throws UsageError if two of them would be written to the same files
 */
export async function findInputs(options: Options): Promise<Input[]> {
  if (options.inputs.length === 0)
    return [{ path: sampleOf('sample.png'), title: 'the sample that comes with the app', name: 'sample' }];
  const found = new Map<string, Input>();
  const add = (path: string, missing = false) => {
    const key = resolve(path);
    if (!found.has(key)) found.set(key, { path, title: path, name: nameOf(path), missing });
  };
  for (const given of options.inputs) {
    // a file may be called like a pattern
    if (existsSync(given) || !isDynamicPattern(given)) add(given);
    else {
      const matches = await glob(given.replaceAll('\\', '/'), { expandDirectories: false });
      if (matches.length === 0) add(given, true);
      for (const path of matches.sort()) add(path);
    }
  }
  const inputs = [...found.values()];
  checkNames(inputs, options);
  return inputs;
}

/** The sample has its own reference. */
export const truthOf = ({ inputs, truth, model }: Options): string | undefined =>
  truth ?? (inputs.length === 0 && model === 'water' ? sampleOf('sample-mask.png') : undefined);

function checkNames(inputs: readonly Input[], { out, mask, overlay, truth }: Options): void {
  if (inputs.length < 2) return;
  const named = [mask, overlay].find((file) => typeof file === 'string');
  if (named !== undefined)
    throw new UsageError(
      `${inputs.length} inputs cannot all be written to ${named}; give --mask and --overlay without a name`,
      { named, inputs: inputs.length },
    );
  if (truth !== undefined)
    throw new UsageError(`--truth is for one input, and there are ${inputs.length}`, { truth });
  const byName = new Map<string, Input>();
  for (const input of inputs) {
    const other = byName.get(input.name);
    if (other)
      throw new UsageError(
        `${other.path} and ${input.path} would both be written to ${join(out, input.name)}-…; run them one by one with different --out`,
        { inputs: [other.path, input.path] },
      );
    byName.set(input.name, input);
  }
}
