import { AtrousError, isTensor, OptionError, type Shape, type Tensor } from '@atrous/core';
import type { Block, Parameter, Parameters } from './block.js';

/** Names of a state dict that do not fit a block. */
export interface ParameterMismatch {
  /** Needed by the block, not given. */
  readonly missing: readonly string[];
  /** Given, unknown to the block. */
  readonly unexpected: readonly string[];
  /** Given with another shape or dtype, or not a tensor. */
  readonly misshapen: readonly string[];
}

/** The given parameters are not those of the block. The message lists every name, `details` has them as lists. */
export class ParameterError extends AtrousError {
  override readonly name = 'ParameterError';
  declare readonly details: Readonly<Record<string, unknown>> & ParameterMismatch;
}

const formatShape = (shape: Shape) => `[${shape.join(', ')}]`;

// PyTorch's count of training steps, an int64 scalar beside each batch norm; inference does not need it.
const isStepCount = (name: string) => /(^|\.)num_batches_tracked$/.test(name);

function misfit(name: string, { shape }: Parameter, given: unknown): string | undefined {
  if (!isTensor(given)) return `${name} must be a tensor ${formatShape(shape)} but is ${typeof given}`;
  const sameShape = given.shape.length === shape.length && given.shape.every((n, axis) => n === shape[axis]);
  if (given.dtype !== 'float32')
    return `${name} is ${given.dtype} ${formatShape(given.shape)} but must be float32 ${formatShape(shape)}`;
  return sameShape ? undefined : `${name} is ${formatShape(given.shape)} but must be ${formatShape(shape)}`;
}

/**
 * Throws unless `given` holds exactly the expected tensors, listing everything that is wrong at once, like PyTorch's
 * `load_state_dict(strict=True)`.
 */
export function checkParameters(
  op: string,
  expected: Readonly<Record<string, Parameter>>,
  given: Parameters,
): void {
  checkRecord(op, given);
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const [name, parameter] of Object.entries(expected)) {
    if (!Object.hasOwn(given, name)) missing.push(name);
    else {
      const problem = misfit(name, parameter, given[name]);
      if (problem !== undefined) misshapen.push(problem);
    }
  }
  const unexpected = Object.keys(given).filter(
    (name) => !Object.hasOwn(expected, name) && !isStepCount(name),
  );
  if (missing.length + unexpected.length + misshapen.length === 0) return;
  const lines = [
    `${op}: the parameters do not fit the block (${missing.length} missing, ${unexpected.length} unexpected, ${misshapen.length} misshapen)`,
    ...missing.map((name) => `  missing: ${name} ${formatShape(expected[name]!.shape)}`),
    ...unexpected.map((name) => `  unexpected: ${name}`),
    ...misshapen.map((problem) => `  misshapen: ${problem}`),
  ];
  const prefix = commonPrefix(missing, given);
  if (prefix !== undefined)
    lines.push(
      `  The missing names are there with '${prefix}.' in front: use loadParameters(block, tensors, { prefix: '${prefix}' })`,
    );
  throw new ParameterError(lines.join('\n'), { missing, unexpected, misshapen });
}

/** Throws unless `given` can be tensors by name. */
export function checkRecord(op: string, given: unknown): void {
  if (typeof given !== 'object' || given === null || isTensor(given))
    throw new OptionError(
      `${op}: parameters must be an object of tensors by name but is ${isTensor(given) ? 'a Tensor' : String(given)}; see initialize() and loadParameters()`,
    );
}

/** What stands before every missing name, as in files that hold a larger network. */
function commonPrefix(missing: readonly string[], given: Parameters): string | undefined {
  const [first] = missing;
  if (first === undefined) return undefined;
  return Object.keys(given)
    .filter((name) => name.endsWith(`.${first}`))
    .map((name) => name.slice(0, -first.length - 1))
    .find((prefix) => missing.every((name) => Object.hasOwn(given, `${prefix}.${name}`)));
}

export interface LoadOptions {
  /** Take the names that begin with this and a dot, without it, and leave out all others. Default: every name. */
  readonly prefix?: string | undefined;
}

/**
 * The parameters of a block from a state dict, strictly: every name must be there in its shape, and no other.
 * `num_batches_tracked` entries are left out.
 *
 * ```ts
 * const { tensors } = readSafetensors(await readFile('aspp.safetensors'));
 * const parameters = loadParameters(network, tensors);
 * ```
 *
 * @param tensors by name, float32; they are used as they are, not copied
 * @throws ParameterError listing every missing, unexpected and misshapen name
 */
export function loadParameters(
  block: Pick<Block, 'parameters'>,
  tensors: Parameters,
  { prefix }: LoadOptions = {},
): Parameters {
  checkRecord('loadParameters', tensors);
  const given =
    prefix === undefined
      ? tensors
      : Object.fromEntries(
          Object.entries(tensors)
            .filter(([name]) => name.startsWith(`${prefix}.`))
            .map(([name, value]): [string, Tensor] => [name.slice(prefix.length + 1), value]),
        );
  checkParameters('loadParameters', block.parameters, given);
  return Object.fromEntries(Object.keys(block.parameters).map((name) => [name, given[name]!]));
}
