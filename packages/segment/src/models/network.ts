import { interpolate, OptionError, ShapeError, type Tensor } from '@atrous/core';
import type { Model, ModelValue } from '@atrous/core/model';
import type { ModelDescription } from './description.js';

/**
 * The network as a function from its prepared input `[1, C, …]`, of the only size that it takes if there is one, to its
 * logits `[1, classes, …]`, whatever their spatial size.
 *
 * @throws OptionError where the description names inputs or outputs that the model does not have
 */
export function networkOf(model: Model, description: ModelDescription): (x: Tensor) => Tensor {
  const { input, output, classes, name } = description;
  const from = nameOf(model.inputs, input.name, `${name}: input`);
  const to = nameOf(model.outputs, output, `${name}: output`);
  return (x) => {
    const logits = model({ [from]: x })[to]!;
    if (logits.shape.length !== x.shape.length || logits.shape[1] !== classes.length)
      throw new ShapeError(
        `${name}: ${to} is [${logits.shape.join(', ')}] but the description has ${classes.length} classes; logits must be [1, ${classes.length}, …]`,
        { shape: logits.shape, classes: classes.length },
      );
    return logits;
  };
}

/**
 * The network as a function from its prepared input `[1, C, …]` to logits `[1, classes, …]` of the same spatial size:
 * resized to the only size that it takes, if there is one, and the logits back.
 *
 * @throws OptionError where the description names inputs or outputs that the model does not have
 */
export function logitsOf(model: Model, description: ModelDescription): (x: Tensor) => Tensor {
  const network = networkOf(model, description);
  const fixed = description.input.kind === 'picture' ? description.input.size : undefined;
  return (x) => {
    const size = x.shape.slice(2);
    const sized = fixed && !equal(fixed, size) ? interpolate(x, { size: fixed, mode: 'bilinear' }) : x;
    const logits = network(sized);
    if (equal(logits.shape.slice(2), size)) return logits;
    return interpolate(logits, { size, mode: size.length === 3 ? 'trilinear' : 'bilinear' });
  };
}

const equal = (a: readonly number[], b: readonly number[]): boolean => a.every((n, axis) => n === b[axis]);

function nameOf(values: readonly ModelValue[], name: string | undefined, what: string): string {
  const names = values.map((value) => value.name);
  const found = name === undefined && names.length === 1 ? names[0] : names.find((other) => other === name);
  if (found !== undefined) return found;
  throw new OptionError(
    name === undefined
      ? `${what}: the model has ${names.length} (${names.join(', ')}); say which in the description`
      : `${what} ${name} is not there; the model has ${names.join(', ')}`,
    { name, names },
  );
}
