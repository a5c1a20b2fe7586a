import { expect, test } from 'vitest';
import {
  coverage,
  effectiveKernel,
  holeTest,
  hybridDilation,
  type Layer,
  receptiveField,
} from '../src/index.js';

/** A stack of 3-tap convolutions with these rates, padded to keep the size. */
const stack = (...rates: number[]): Layer[] =>
  rates.map((dilation) => ({ kernel: 3, dilation, padding: dilation }));

test('a dilated kernel spans k + (k - 1)(rate - 1) samples', () => {
  expect([1, 2, 3, 6].map((rate) => effectiveKernel(3, rate))).toEqual([3, 5, 7, 13]);
  expect(effectiveKernel(5, 4)).toBe(17);
  expect(effectiveKernel(1, 36)).toBe(1);
});

test('two 3×3 convolutions see 5×5', () => {
  expect(receptiveField(stack(1, 1)).size).toEqual([5, 5]);
  expect(coverage(stack(1, 1))).toMatchObject({ touched: 25, fraction: 1 });
});

test('two dilated 3×3 convolutions see 13×13 with rates 3, 3 and 9×9 with rates 2, 2', () => {
  expect(receptiveField(stack(3, 3)).size).toEqual([13, 13]);
  expect(coverage(stack(3, 3)).fraction).toBeCloseTo(25 / 169);
  expect(receptiveField(stack(2, 2)).size).toEqual([9, 9]);
});

test('rates 2, 2, 2 and 1, 2, 3 both see 13×13, the first with holes and the second without', () => {
  expect(receptiveField(stack(2, 2, 2)).size).toEqual([13, 13]);
  expect(receptiveField(stack(1, 2, 3)).size).toEqual([13, 13]);
  expect(coverage(stack(2, 2, 2))).toMatchObject({ touched: 49, holes: 120, lattices: 4 });
  expect(coverage(stack(1, 2, 3))).toMatchObject({ touched: 169, holes: 0, lattices: 1 });
  expect(holeTest(stack(2, 2, 2)).map(({ holeFree }) => holeFree)).toEqual([false, false]);
  expect(holeTest(stack(1, 2, 3)).map(({ holeFree }) => holeFree)).toEqual([true, true]);
});

test.each([
  [[1, 2, 5], 17, 1, 1, 1, 2],
  [[1, 2, 3], 13, 1, 1, 1, 3],
  [[1, 2, 9], 25, 0.84, 0.71, 1, 2],
  [[2, 2, 2], 13, 0.54, 0.29, 1, 7],
  [[2, 4, 8], 29, 0.52, 0.27, 1, 3],
])(
  'rates %j: field %i, coverage %d (1-D) and %d (2-D), %i to %i paths',
  (rates, size, one, two, min, max) => {
    const line = coverage(stack(...rates), { ndim: 1 });
    expect(line.axes[0]!.size).toBe(size);
    expect(line.fraction).toBeCloseTo(one, 2);
    expect(coverage(stack(...rates)).fraction).toBeCloseTo(two, 2);
    expect(line.paths).toMatchObject({ min, max, total: 27 });
  },
);

test('the published rule: distances, verdict and domain', () => {
  expect(hybridDilation([1, 2, 5])).toMatchObject({ passes: true, distances: [1, 2, 5], exact: true });
  expect(hybridDilation([1, 2, 9])).toMatchObject({ passes: false, distance: 5, exact: true });
  expect(hybridDilation([2, 4, 8])).toMatchObject({ passes: false, commonFactor: 2, exact: false });
  expect(hybridDilation([2, 2, 2])).toMatchObject({ passes: false, commonFactor: 2 });
});

test.each([
  ['not sufficient', [2, 3], true, false],
  ['not sufficient', [2, 3, 3], true, false],
  ['not necessary', [1, 3, 1], false, true],
  ['not necessary', [1, 2, 5, 1, 2, 5], false, true],
])('outside its domain the published rule is %s: %j', (_, rates, passes, holeFree) => {
  const rule = hybridDilation(rates);
  expect(rule).toMatchObject({ passes, exact: false });
  expect(rule.domain).toContain('use the exact hole test');
  expect(holeTest(stack(...rates), { ndim: 1 })[0]!.holeFree).toBe(holeFree);
  expect(coverage(stack(...rates), { ndim: 1 }).holes === 0).toBe(holeFree);
});

test('the hole test names the layer that leaves holes', () => {
  const [test] = holeTest([
    { kernel: 3, name: 'first' },
    { kernel: 2, stride: 2, name: 'down' },
    { kernel: 3, dilation: 4, name: 'wide' },
  ]);
  expect(test!.offender).toMatchObject({ name: 'wide', spacing: 8, allowed: 4 });
  expect(test!.domain).toBe(
    'chains of convolutions and pools, exact for any kernels, rates, strides and order',
  );
});
