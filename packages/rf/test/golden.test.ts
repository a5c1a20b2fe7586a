import { describe, expect, test } from 'vitest';
import { coverage, inputRegion, outputSize, receptiveField } from '../src/index.js';
import { goldenFields, layersOf } from './golden.js';

describe.skipIf(!goldenFields.length)('fields measured with gradients (receptive_field.json)', () => {
  test.each(goldenFields.map((field) => [field.id, field] as const))('%s', (_, field) => {
    const layers = layersOf(field.stack);
    const { inputSize, dims: ndim } = field;
    expect(outputSize(layers, inputSize)).toEqual(field.outputSize);

    const measured = coverage(layers, { inputSize, at: field.outputIndex });
    expect(measured.axes.map(({ first }) => first)).toEqual(field.min);
    expect(measured.axes.map(({ last }) => last)).toEqual(field.max);
    expect(measured.axes.map(({ pattern }) => pattern)).toEqual(field.offsets);
    expect(measured).toMatchObject({ touched: field.nonzero, area: field.area, separable: field.separable });
    expect(measured.fraction).toBeCloseTo(field.coverage, 12);
    expect(inputRegion(layers, field.outputIndex, { inputSize })).toEqual(
      field.min.map((first, axis) => [first, field.max[axis]]),
    );

    if (field.clipped) return;
    const { size, stride, start } = receptiveField(layers, { ndim });
    expect({ size, stride, start }).toEqual({ size: field.size, stride: field.stride, start: field.start });
    const endless = coverage(layers, { ndim });
    expect(endless.touched).toBe(field.nonzero);
    expect(endless.axes.map(({ first }) => first)).toEqual(field.start);
    expect(inputRegion(layers, field.outputIndex, { ndim })).toEqual(
      field.min.map((first, axis) => [first, field.max[axis]]),
    );
  });
});

if (!goldenFields.length)
  test.skip('receptive_field.json not found: set CONFORMANCE_DATA to its folder', () => {});
