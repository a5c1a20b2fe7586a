import { checkDType, checkNumber, checkOneOf, checkTensor, describe } from '../check.js';
import { tensor } from '../create.js';
import { OptionError, ShapeError } from '../errors.js';
import type { BinaryFunction, DType, UnaryFunction } from '../graph.js';
import { broadcastShapes, formatShape, isDType } from '../shape.js';
import { makeTensor, Tensor } from '../tensor.js';
import { broadcastTo, reshape } from './layout.js';

const numeric: readonly DType[] = ['float32', 'int32'];

function unary(op: string, fn: UnaryFunction, x: Tensor, dtypes: readonly DType[] = ['float32']): Tensor {
  checkTensor(op, 'x', x);
  checkDType(op, 'x', x, dtypes);
  return makeTensor({ kind: 'unary', fn, inputs: [x] }, x.shape, x.dtype);
}

/** max(x, 0), per element; float32 or int32. */
export const relu = (x: Tensor): Tensor => unary('relu', 'relu', x, numeric);
/** |x|, per element; float32 or int32. */
export const abs = (x: Tensor): Tensor => unary('abs', 'abs', x, numeric);
/** −x, per element; float32 or int32. */
export const neg = (x: Tensor): Tensor => unary('neg', 'neg', x, numeric);
/** 1 / (1 + e^−x), per element. */
export const sigmoid = (x: Tensor): Tensor => unary('sigmoid', 'sigmoid', x);
/** Hyperbolic tangent, per element. */
export const tanh = (x: Tensor): Tensor => unary('tanh', 'tanh', x);
/** x · sigmoid(x), per element (Elfwing et al. 2018; also called swish). */
export const silu = (x: Tensor): Tensor => unary('silu', 'silu', x);
/** x · clip(x + 3, 0, 6) / 6, per element (Howard et al. 2019, MobileNetV3). */
export const hardSwish = (x: Tensor): Tensor => unary('hardSwish', 'hardSwish', x);
/** e^x, per element. */
export const exp = (x: Tensor): Tensor => unary('exp', 'exp', x);
/** Natural logarithm, per element. */
export const log = (x: Tensor): Tensor => unary('log', 'log', x);
/** Square root, per element. */
export const sqrt = (x: Tensor): Tensor => unary('sqrt', 'sqrt', x);
/** Gauss error function, per element. */
export const erf = (x: Tensor): Tensor => unary('erf', 'erf', x);

/**
 * Limits every element to [min, max]; float32 or int32.
 *
 * @throws OptionError if a bound is NaN or min > max
 */
export function clip(x: Tensor, min: number, max: number): Tensor {
  checkTensor('clip', 'x', x);
  checkDType('clip', 'x', x, numeric);
  checkNumber('clip', 'min', min);
  checkNumber('clip', 'max', max);
  if (min > max) throw new OptionError(`clip: min ${min} is larger than max ${max}; swap them`, { min, max });
  return makeTensor({ kind: 'clip', min, max, inputs: [x] }, x.shape, x.dtype);
}

/** A tensor, or a number that stands for a tensor of that value everywhere. */
export type Operand = Tensor | number;

function binary(op: string, fn: BinaryFunction, a: Operand, b: Operand): Tensor {
  const dtype = a instanceof Tensor ? a.dtype : b instanceof Tensor ? b.dtype : 'float32';
  const [left, right] = [a, b].map((value, i) => {
    const operand = typeof value === 'number' ? tensor(value, [], dtype) : value;
    checkTensor(op, i === 0 ? 'a' : 'b', operand);
    checkDType(op, i === 0 ? 'a' : 'b', operand, numeric);
    return operand;
  }) as [Tensor, Tensor];
  if (left.dtype !== right.dtype)
    throw new ShapeError(`${op}: a is ${left.dtype} but b is ${right.dtype}; convert one with cast()`, {
      a: left.dtype,
      b: right.dtype,
    });
  const shape = broadcastShapes(left.shape, right.shape);
  if (shape === undefined)
    throw new ShapeError(
      `${op}: shapes ${formatShape(left.shape)} and ${formatShape(right.shape)} do not broadcast; aligned from the right, sizes must be equal or 1`,
      {
        a: left.shape,
        b: right.shape,
      },
    );
  return makeTensor(
    { kind: 'binary', fn, inputs: [broadcastTo(left, shape), broadcastTo(right, shape)] },
    shape,
    left.dtype,
  );
}

/** a + b, broadcasting as NumPy does; float32 or int32 (which wraps). */
export const add = (a: Operand, b: Operand): Tensor => binary('add', 'add', a, b);
/** a − b, broadcasting; float32 or int32 (which wraps). */
export const sub = (a: Operand, b: Operand): Tensor => binary('sub', 'sub', a, b);
/** a · b, broadcasting; float32 or int32 (which wraps). */
export const mul = (a: Operand, b: Operand): Tensor => binary('mul', 'mul', a, b);
/** a / b, broadcasting; int32 truncates towards zero and gives 0 for a division by 0. */
export const div = (a: Operand, b: Operand): Tensor => binary('div', 'div', a, b);
/** The smaller of a and b, broadcasting; NaN if either is. */
export const minimum = (a: Operand, b: Operand): Tensor => binary('minimum', 'min', a, b);
/** The larger of a and b, broadcasting; NaN if either is. */
export const maximum = (a: Operand, b: Operand): Tensor => binary('maximum', 'max', a, b);
/** a to the power b, broadcasting; int32 truncates towards zero. */
export const pow = (a: Operand, b: Operand): Tensor => binary('pow', 'pow', a, b);

/**
 * Converts to another dtype. Float to integer goes towards zero and saturates; NaN becomes 0.
 */
export function cast<D extends DType>(x: Tensor, dtype: D): Tensor<D> {
  checkTensor('cast', 'x', x);
  if (!isDType(dtype)) checkOneOf('cast', 'dtype', dtype, ['float32', 'int32', 'uint8']);
  if (x.dtype === dtype) return x as Tensor as Tensor<D>;
  return makeTensor({ kind: 'cast', inputs: [x] }, x.shape, dtype);
}

/** min(max(x, 0), 6), per element. */
export const relu6 = (x: Tensor): Tensor => clip(x, 0, 6);
/** clip(x / 6 + 1/2, 0, 1), per element. */
export const hardSigmoid = (x: Tensor): Tensor => clip(add(mul(x, 1 / 6), 0.5), 0, 1);
/** x where positive, slope · x elsewhere. Default slope 0.01. */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => add(relu(x), mul(minimum(x, 0), slope));
/** x where positive, alpha · (e^x − 1) elsewhere. Default alpha 1. */
export const elu = (x: Tensor, alpha = 1): Tensor => add(relu(x), mul(sub(exp(minimum(x, 0)), 1), alpha));
/** x · (1 + erf(x / √2)) / 2, per element (Hendrycks & Gimpel 2016, exact form). */
export const gelu = (x: Tensor): Tensor => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
/** log(1 + e^x), per element, without overflow. */
export const softplus = (x: Tensor): Tensor => add(relu(x), log(add(exp(neg(abs(x))), 1)));

/**
 * x where positive, slope · x elsewhere, with one slope per channel (He et al. 2015).
 *
 * @param x `[N, C, …]`
 * @param slope `[C]`, or `[1]` for one slope everywhere
 */
export function prelu(x: Tensor, slope: Tensor): Tensor {
  checkTensor('prelu', 'x', x);
  checkTensor('prelu', 'slope', slope);
  const perChannel = channelOperand('prelu', 'slope', slope, x);
  return add(relu(x), mul(minimum(x, 0), perChannel));
}

/** `[C]` as `[1, C, 1, …]`, ready to broadcast against x. `[1]` is a value for all channels. */
export function channelOperand(op: string, name: string, values: Tensor, x: Tensor): Tensor {
  checkTensor(op, name, values);
  const channels = x.shape[1];
  if (
    channels === undefined ||
    values.shape.length !== 1 ||
    (values.shape[0] !== channels && values.shape[0] !== 1)
  )
    throw new ShapeError(
      `${op}: ${name} must have one value per channel, [${channels ?? describe(channels)}], but is ${formatShape(values.shape)} (x ${formatShape(x.shape)})`,
      { [name]: values.shape, x: x.shape },
    );
  return reshape(values, [1, values.shape[0]!, ...x.shape.slice(2).map(() => 1)]);
}
