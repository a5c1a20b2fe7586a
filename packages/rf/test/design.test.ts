import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareNetworks,
  networkCost,
  repairDilations,
  searchDilations,
  stridesToDilation,
  tradeoffs,
} from '../src/design.js';
import { coverage, type Layer, receptiveField } from '../src/index.js';
import { product } from './brute.js';

/** Every list of `count` rates up to `most`. */
const allRates = (count: number, most: number) =>
  product(Array.from({ length: count }, () => Array.from({ length: most }, (_, i) => i + 1)));

const layersOf = (
  rates: readonly number[],
  kernels: readonly number[],
  strides: readonly number[],
): Layer[] => rates.map((dilation, i) => ({ kernel: kernels[i]!, dilation, stride: strides[i]! }));

/** Whether every input of the field is read, by adding up taps. */
function holeFree(layers: readonly Layer[]): boolean {
  let read = new Set([0]);
  let [jump, size] = [1, 1];
  for (const layer of layers) {
    const {
      kernel,
      dilation = 1,
      stride = 1,
    } = layer as { kernel: number; dilation?: number; stride?: number };
    const next = new Set<number>();
    for (const position of read) for (let t = 0; t < kernel; t++) next.add(position + t * dilation * jump);
    read = next;
    size += (kernel - 1) * dilation * jump;
    jump *= stride;
  }
  return read.size === size;
}

describe('search', () => {
  test('finds all hole-free schedules of a field, and no other', () => {
    for (const [kernel, layers, field] of [
      [3, 3, 17],
      [3, 4, 21],
      [2, 4, 12],
      [5, 3, 29],
    ] as const) {
      const found = searchDilations({ kernel, layers, field, limit: Infinity });
      const expected = allRates(layers, field)
        .filter((rates) => rates.every((rate, i) => i === 0 || rate >= rates[i - 1]!))
        .filter((rates) => 1 + (kernel - 1) * rates.reduce((a, b) => a + b) === field)
        .filter((rates) =>
          holeFree(
            layersOf(
              rates,
              rates.map(() => kernel),
              rates.map(() => 1),
            ),
          ),
        );
      expect(found.complete).toBe(true);
      expect(found.schedules.map(({ rates }) => String(rates)).sort()).toEqual(expected.map(String).sort());
    }
  });

  test('with strides and mixed kernels too', () => {
    const [kernel, stride] = [
      [3, 2, 3],
      [2, 1, 1],
    ];
    const found = searchDilations({ kernel, layers: 3, field: [9, 21], stride, limit: Infinity });
    const expected = allRates(3, 12).filter((rates) => {
      const layers = layersOf(rates, kernel, stride);
      const [size] = receptiveField(layers, { ndim: 1 }).size;
      return size! >= 9 && size! <= 21 && holeFree(layers);
    });
    expect(found.schedules.map(({ rates }) => String(rates)).sort()).toEqual(expected.map(String).sort());
  });

  test('ranks by evenness, which coverage confirms, and reports cost', () => {
    const { schedules } = searchDilations({ kernel: 3, layers: 4, field: 31 });
    expect(schedules.length).toBe(10);
    for (const [i, schedule] of schedules.entries()) {
      const layers = layersOf(schedule.rates, schedule.kernels, schedule.strides);
      const { paths, area, holes } = coverage(layers, { ndim: 1 });
      expect({ field: area, evenness: paths.evenness, min: paths.min, max: paths.max }).toEqual({
        field: schedule.field,
        evenness: expect.closeTo(schedule.evenness, 9),
        ...schedule.paths,
      });
      expect(holes).toBe(0);
      expect(schedule).toMatchObject({ parameters: 36, macs: 36 });
      if (i) expect(schedule.evenness).toBeLessThanOrEqual(schedules[i - 1]!.evenness);
    }
  });

  test('a range of layers, cost limits and the two rankings', () => {
    const cheap = searchDilations({ layers: [2, 5], field: 23, rank: 'cost' });
    expect(cheap.schedules[0]!.rates.length).toBe(3);
    const limited = searchDilations({ layers: [2, 5], field: 23, maxMacs: 36, limit: Infinity });
    expect(Math.max(...limited.schedules.map(({ rates }) => rates.length))).toBe(4);
    expect(
      searchDilations({ layers: 3, field: 23, maxDilation: 6 }).schedules.every(
        ({ rates }) => Math.max(...rates) <= 6,
      ),
    ).toBe(true);
    expect(searchDilations({ layers: 3, field: 24 }).schedules).toEqual([]);
    expect(searchDilations({ layers: 4, field: 31, stride: 4 }).schedules[0]!.strides).toEqual([2, 2, 1, 1]);
  });

  test('gives up politely', () => {
    const found = searchDilations({ layers: 12, field: 301, examine: 500 });
    expect(found).toMatchObject({ examined: 500, complete: false });
    expect(found.schedules.length).toBe(10);
  });
});

describe('repair', () => {
  test('is the nearest hole-free schedule, by trying all', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 2, max: 4 }),
        (rates, kernel) => {
          const kernels = rates.map(() => kernel);
          const strides = rates.map(() => 1);
          const repaired = repairDilations(rates, { kernel })!;
          const distances = allRates(rates.length, 8)
            .filter((candidate) => holeFree(layersOf(candidate, kernels, strides)))
            .map((candidate) => candidate.reduce((sum, rate, i) => sum + Math.abs(rate - rates[i]!), 0));
          expect(repaired.distance).toBe(Math.min(...distances));
          expect(holeFree(layersOf(repaired.rates, kernels, strides))).toBe(true);
          expect(repaired.rates.reduce((sum, rate, i) => sum + Math.abs(rate - rates[i]!), 0)).toBe(
            repaired.distance,
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  test('with strides and different kernels', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.integer({ min: 1, max: 5 }),
            fc.integer({ min: 1, max: 4 }),
            fc.integer({ min: 1, max: 3 }),
          ),
          { minLength: 2, maxLength: 3 },
        ),
        (list) => {
          const [rates, kernel, stride] = [0, 1, 2].map((k) => list.map((entry) => entry[k as 0]!)) as [
            number[],
            number[],
            number[],
          ];
          const repaired = repairDilations(rates, { kernel, stride });
          const distances = allRates(rates.length, 12)
            .filter((candidate) => holeFree(layersOf(candidate, kernel, stride)))
            .map((candidate) =>
              candidate.reduce((sum, rate, i) => sum + (kernel[i] === 1 ? 0 : Math.abs(rate - rates[i]!)), 0),
            );
          if (!distances.length) expect(repaired).toBeUndefined();
          else expect(repaired!.distance).toBe(Math.min(...distances));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('keeps the field where asked to', () => {
    expect(repairDilations([2, 2, 2])).toMatchObject({ rates: [1, 2, 2], distance: 1, field: 11 });
    expect(repairDilations([2, 2, 2], { keepField: true })).toMatchObject({
      distance: 2,
      field: 13,
      originalField: 13,
    });
    expect(repairDilations([1, 2, 5])).toMatchObject({ rates: [1, 2, 5], distance: 0 });
    expect(repairDilations([1, 2, 9])).toMatchObject({ distance: 1 });
    expect(repairDilations([4], { keepField: true })).toBeUndefined();
    // in the order of the layers: the largest stays the last
    expect(repairDilations([8, 2, 4])!.rates).toEqual([8, 1, 3]);
  });
});

describe('stride to dilation', () => {
  const backbone: Layer[] = [
    { kernel: 7, stride: 2, padding: 3 },
    { type: 'maxPool', kernel: 3, stride: 2, padding: 1 },
    {
      parallel: [
        [
          { kernel: 3, stride: 2, padding: 1 },
          { kernel: 3, padding: 1 },
        ],
        [{ kernel: 1, stride: 2 }],
      ],
    },
    {
      parallel: [
        [
          { kernel: 3, stride: 2, padding: 1 },
          { kernel: 3, padding: 1 },
        ],
        [{ kernel: 1, stride: 2 }],
      ],
    },
    { kernel: 3, padding: 1 },
  ];

  test.each([16, 8, 4, 1])('to output stride %i keeps the field', (target) => {
    const { layers, before, after } = stridesToDilation(backbone, target);
    expect(after.stride).toEqual([target, target]);
    expect(after.size).toEqual(before.size);
    expect(after.start).toEqual(before.start);
    expect(coverage(layers).touched).toBe(coverage(backbone).touched);
  });

  test('dilates what follows a replaced stride, not the layer itself', () => {
    const { layers } = stridesToDilation(
      [
        { kernel: 3, stride: 2, padding: 1 },
        { kernel: 3, padding: 1 },
        { type: 'avgPool', kernel: 2 },
        { kernel: 3, padding: 1 },
      ],
      1,
    );
    expect(layers).toEqual([
      { kernel: 3, stride: 1, dilation: 1, padding: 1 },
      { kernel: 3, stride: 1, dilation: 2, padding: 2 },
      { type: 'avgPool', kernel: 2, stride: 1, dilation: 2 },
      { kernel: 3, stride: 1, dilation: 4, padding: 4 },
    ]);
  });

  test('random chains keep their counts', () => {
    const layer = fc.record({
      kernel: fc.integer({ min: 1, max: 4 }),
      stride: fc.constantFrom(1, 2),
      dilation: fc.integer({ min: 1, max: 3 }),
      padding: fc.integer({ min: 0, max: 2 }),
    });
    fc.assert(
      fc.property(
        fc.array(layer, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(1, 2, 4),
        (chain, target) => {
          const { layers, after } = stridesToDilation(chain, target, { ndim: 1 });
          expect(after.stride[0]).toBe(
            Math.min(target, 2 ** chain.filter(({ stride }) => stride === 2).length),
          );
          expect(coverage(layers, { ndim: 1 }).axes[0]!.pattern).toBe(
            coverage(chain, { ndim: 1 }).axes[0]!.pattern,
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test('refuses what cannot be kept', () => {
    expect(() => stridesToDilation([{ kernel: 3, stride: 3 }], 2)).toThrow(
      'stridesToDilation: layer 0: the stride goes from 1 to 3, which cannot be cut at 2',
    );
    expect(() =>
      stridesToDilation(
        [
          { kernel: 3, stride: 2 },
          { type: 'resize', scale: 2 },
        ],
        1,
      ),
    ).toThrow('upsampling after a replaced stride');
  });
});

describe('cost and trade-offs', () => {
  test('parameters, multiplications and memory by hand', () => {
    const layers: Layer[] = [
      { kernel: 3, padding: 1, channels: 16 },
      { type: 'maxPool', kernel: 2 },
      {
        parallel: [
          [{ kernel: 1, channels: 8 }],
          [{ kernel: 3, padding: 1, channels: 8, groups: 4 }],
          [{ type: 'globalPool' }, { kernel: 1, channels: 8 }],
        ],
        combine: 'concat',
      },
      { type: 'convTranspose', kernel: 2, stride: 2, channels: 4 },
    ];
    const cost = networkCost(layers, 8, { channels: 3 });
    expect(cost).toMatchObject({
      outputSize: [8, 8],
      outputChannels: 4,
      parameters: 9 * 3 * 16 + 16 * 8 + (9 * 16 * 8) / 4 + 16 * 8 + 4 * 24 * 4,
      macs: 9 * 3 * 16 * 64 + 16 * 8 * 16 + ((9 * 16 * 8) / 4) * 16 + 16 * 8 + 4 * 24 * 4 * 16,
      // pooling: 16 channels of 8×8 in, of 4×4 out
      peak: 4 * (16 * 64 + 16 * 16),
    });
  });

  test('one table of all ways to a field: dilation keeps the resolution at a fraction of the layers', () => {
    const rows = tradeoffs({ field: 31, inputSize: 128, channels: 32 });
    const row = (start: string) => rows.find(({ name }) => name.startsWith(start))!;
    for (const { field } of rows) for (const size of field) expect(size).toBeGreaterThanOrEqual(31);
    expect(row('convolution')).toMatchObject({ stride: [1, 1], outputSize: [128, 128], coverage: 1 });
    expect(row('convolution').layers.length).toBe(15);
    expect(row('pooling').outputSize[0]).toBeLessThan(128);
    expect(row('strided').outputSize[0]).toBeLessThan(128);
    expect(row('dilation')).toMatchObject({ stride: [1, 1], outputSize: [128, 128], coverage: 1 });
    expect(row('dilation').layers.length).toBe(4);
    expect(row('dilation').macs).toBeLessThan(row('convolution').macs / 3);
    expect(row('one rate').coverage).toBeLessThan(0.1);
  });

  test('any networks side by side', () => {
    const rows = compareNetworks(
      { a: [{ kernel: 3 }], b: [{ kernel: 5, stride: 2 }] },
      { inputSize: [20, 30] },
    );
    expect(rows.map(({ name, outputSize }) => [name, outputSize])).toEqual([
      ['a', [18, 28]],
      ['b', [8, 13]],
    ]);
  });
});
