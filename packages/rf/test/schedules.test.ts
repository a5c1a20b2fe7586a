import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coverage, holeTest, type Layer, pathCounts, receptiveField } from '../src/index.js';
import { effectiveField, samplingDensity, sharedInputs } from '../src/influence.js';

interface Tap {
  kernel: number;
  dilation: number;
  stride: number;
}

/** Path counts of a chain along one axis, by adding up every combination of taps. */
function enumerate(layers: readonly Tap[], output = 0): Map<number, number> {
  let counts = new Map([[output, 1]]);
  for (const { kernel, dilation, stride } of layers.toReversed()) {
    const next = new Map<number, number>();
    for (const [position, count] of counts)
      for (let t = 0; t < kernel; t++) {
        const read = position * stride + t * dilation;
        next.set(read, (next.get(read) ?? 0) + count);
      }
    counts = next;
  }
  return counts;
}

const layersOf = (taps: readonly Tap[]): Layer[] => taps.map((tap) => ({ ...tap }));

const stack = (strides = 3, most = 5) =>
  fc.array(
    fc.record({
      kernel: fc.integer({ min: 2, max: 7 }),
      dilation: fc.integer({ min: 1, max: 9 }),
      stride: fc.integer({ min: 1, max: strides }),
    }),
    { minLength: 1, maxLength: most },
  );

const sorted = (counts: Map<number, number>) => [...counts].sort(([a], [b]) => a - b);

describe('thousands of random schedules, K = 2 … 7, strides included, by enumeration', () => {
  test.each([2, 3, 4, 5, 6, 7])(
    'kernel %i: the exact hole test agrees with the inputs that are read',
    (kernel) => {
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }), (rates) => {
          const taps = rates.map((dilation) => ({ kernel, dilation, stride: 1 }));
          const read = enumerate(taps);
          const field = 1 + (kernel - 1) * rates.reduce((a, b) => a + b);
          expect(holeTest(layersOf(taps), { ndim: 1 })[0]!.holeFree).toBe(read.size === field);
          expect(coverage(layersOf(taps), { ndim: 1 })).toMatchObject({ touched: read.size, area: field });
        }),
        { numRuns: 1500 },
      );
    },
  );

  test('mixed kernels, rates and strides: field, counts, holes, lattices', () => {
    fc.assert(
      fc.property(stack(), (taps) => {
        const counts = sorted(enumerate(taps));
        const layers = layersOf(taps);
        const positions = counts.map(([position]) => position);
        const size = positions.at(-1)! - positions[0]! + 1;
        const stride = taps.reduce((product, tap) => product * tap.stride, 1);
        expect(receptiveField(layers, { ndim: 1 })).toMatchObject({
          size: [size],
          stride: [stride],
          start: [positions[0]],
        });
        const found = coverage(layers, { ndim: 1 });
        const values = counts.map(([, count]) => count);
        expect(found.paths).toMatchObject({
          min: Math.min(...values),
          max: Math.max(...values),
          total: values.reduce((a, b) => a + b),
        });
        expect(found.axes[0]!.pattern).toBe(
          Array.from({ length: size }, (_, i) => Number(positions.includes(positions[0]! + i))).join(''),
        );
        expect(holeTest(layers, { ndim: 1 })[0]!.holeFree).toBe(found.holes === 0);
        expect(found.lattices).toBe(latticesByUnion(taps, stride));
      }),
      { numRuns: 4000 },
    );
  });

  test('two dimensions are the product of two axes', () => {
    fc.assert(
      fc.property(fc.tuple(stack(2, 4), fc.nat()), ([taps, seed]) => {
        const other = taps.map((tap, i) => ({
          ...tap,
          dilation: 1 + ((seed >> i) % 4),
          kernel: 2 + ((seed >> (2 * i)) % 3),
        }));
        const layers = taps.map(
          (tap, i): Layer => ({
            kernel: [tap.kernel, other[i]!.kernel],
            dilation: [tap.dilation, other[i]!.dilation],
            stride: [tap.stride, other[i]!.stride],
          }),
        );
        const [rows, columns] = [enumerate(taps), enumerate(other)];
        const { values, shape, start } = pathCounts(layers);
        const expected = values.map((_, i) => {
          const [y, x] = [Math.floor(i / shape[1]!) + start[0]!, (i % shape[1]!) + start[1]!];
          return (rows.get(y) ?? 0) * (columns.get(x) ?? 0);
        });
        expect(values.every((count, i) => count === expected[i])).toBe(true);
        const found = coverage(layers);
        expect(found.touched).toBe(rows.size * columns.size);
        expect(found.separable).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('what neighbours share', () => {
    fc.assert(
      fc.property(stack(), (taps) => {
        const [own, next] = [enumerate(taps), enumerate(taps, 1)];
        const common = [...own.keys()].filter((position) => next.has(position));
        const products = common.reduce(
          (total, position) => total + own.get(position)! * next.get(position)!,
          0,
        );
        const squares = [...own.values()].reduce((total, count) => total + count * count, 0);
        const [shared] = sharedInputs(layersOf(taps), { ndim: 1 });
        expect(shared!.common).toBe(common.length);
        expect(shared!.fraction).toBeCloseTo(common.length / own.size, 12);
        expect(shared!.correlation).toBeCloseTo(products / squares, 12);
      }),
      { numRuns: 1000 },
    );
  });

  test('the effective field: variance by layers, the interval by counting', () => {
    fc.assert(
      fc.property(stack(), (taps) => {
        const [found] = effectiveField(layersOf(taps), { ndim: 1 });
        let jump = 1;
        let variance = 0;
        for (const { kernel, dilation, stride } of taps) {
          variance += ((kernel ** 2 - 1) / 12) * (dilation * jump) ** 2;
          jump *= stride;
        }
        expect(found!.variance).toBeCloseTo(variance, 6);
        expect(found!.radius).toBeCloseTo(2 * Math.sqrt(variance), 6);
        const counts = sorted(enumerate(taps));
        const total = counts.reduce((sum, [, count]) => sum + count, 0);
        const mean = counts.reduce((sum, [position, count]) => sum + position * count, 0) / total;
        expect(found!.mean).toBeCloseTo(mean, 6);
        const within = (distance: number) =>
          counts.reduce(
            (sum, [position, count]) => sum + (Math.abs(position - mean) <= distance + 1e-6 ? count : 0),
            0,
          );
        expect(within(found!.size / 2)).toBeGreaterThanOrEqual(0.9545 * total - 1e-6);
      }),
      { numRuns: 1000 },
    );
  });

  test('density by distance adds up to the whole field', () => {
    fc.assert(
      fc.property(stack(1, 4), (taps) => {
        const layers = layersOf(taps);
        for (const ndim of [1, 2]) {
          const rings = samplingDensity(layers, { ndim });
          const { area, touched } = coverage(layers, { ndim });
          expect(rings.reduce((sum, { positions }) => sum + positions, 0)).toBe(area);
          expect(rings.reduce((sum, ring) => sum + ring.touched, 0)).toBe(touched);
          expect(rings.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 9);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Outputs that are connected by shared inputs, however indirectly, in one period of the pattern. */
function latticesByUnion(taps: readonly Tap[], stride: number): number {
  const read = [...enumerate(taps).keys()];
  const first = Math.min(...read);
  const gcd = (a: number, b: number): number => (b ? gcd(b, a % b) : a);
  const spacing = read.reduce((common, position) => gcd(position - first, common), 0);
  if (spacing <= 1) return 1;
  return new Set(Array.from({ length: spacing }, (_, output) => (output * stride) % spacing)).size;
}

test('gridding in numbers: rates 2, 2, 2 against 1, 2, 3', () => {
  const rates = (...list: number[]) => layersOf(list.map((dilation) => ({ kernel: 3, dilation, stride: 1 })));
  expect(sharedInputs(rates(2, 2, 2))).toEqual([
    { common: 0, fraction: 0, correlation: 0 },
    { common: 0, fraction: 0, correlation: 0 },
  ]);
  for (const { correlation, fraction } of sharedInputs(rates(1, 2, 3))) {
    expect(correlation).toBeCloseTo(0.95, 2);
    expect(fraction).toBeCloseTo(12 / 13, 9);
  }
  expect(samplingDensity(rates(2, 2, 2), { ndim: 1 }).map(({ density }) => density)).toEqual([
    1, 0, 1, 0, 1, 0, 1,
  ]);
  expect(samplingDensity(rates(1, 2, 3), { ndim: 1 }).every(({ density }) => density === 1)).toBe(true);
});

test('branches: what is shared and how influence spreads, against the dense counts', () => {
  const aspp: Layer[] = [
    {
      parallel: [
        [{ kernel: 1 }],
        ...[2, 4, 6].map((rate): Layer[] => [{ kernel: 3, dilation: rate, padding: rate }]),
      ],
    },
    { kernel: 3, padding: 1 },
  ];
  const { values, shape } = pathCounts(aspp);
  const [height, width] = shape as [number, number];
  let [products, squares, common, total, moment] = [0, 0, 0, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const own = values[y * width + x]!;
      const next = x + 1 < width ? values[y * width + x + 1]! : 0;
      products += own * next;
      squares += own * own;
      common += Number(own * next > 0);
      total += own;
      moment += own * (x - (width - 1) / 2) ** 2;
    }
  const [, across] = sharedInputs(aspp);
  expect(across).toMatchObject({ common, correlation: expect.closeTo(products / squares, 12) });
  expect(effectiveField(aspp)[1]!.variance).toBeCloseTo(moment / total, 9);
  expect(samplingDensity(aspp).reduce((sum, { touched }) => sum + touched, 0)).toBe(coverage(aspp).touched);
});
