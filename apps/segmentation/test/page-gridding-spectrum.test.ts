import { readFileSync } from 'node:fs';
import { cpu } from '@atrous/core';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { powerSpectrum } from '../src/page/gridding/fourier.js';
import { measure } from '../src/page/gridding/measure.js';
import { featuresOf } from '../src/page/gridding/network.js';
import { plans } from '../src/page/gridding/plans.js';
import { border, peakRatio, profileOf, spectrumOf, strongestPattern } from '../src/page/gridding/spectrum.js';
import { asset, readPicture } from './fixtures.js';

const backend = await cpu({ threads: 1 });
afterAll(() => backend.dispose());

const measured = async (id: string, picture: string, signal?: AbortSignal) => {
  const { rates, weights } = plans.find((plan) => plan.id === id)!;
  const features = featuresOf(rates, readFileSync(weights));
  return await measure(features, await readPicture(asset(picture)), backend, { signal });
};

/** The transform by its definition. */
function slowPower(values: Float64Array, height: number, width: number): number[] {
  const out: number[] = [];
  for (let v = 0; v < height; v++)
    for (let u = 0; u < width; u++) {
      let [re, im] = [0, 0];
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const angle = -2 * Math.PI * ((u * x) / width + (v * y) / height);
          re += values[y * width + x]! * Math.cos(angle);
          im += values[y * width + x]! * Math.sin(angle);
        }
      out.push(re * re + im * im);
    }
  return out;
}

describe('the Fourier transform', () => {
  test('is what its definition says, for sides of any length', () => {
    const side = fc.integer({ min: 1, max: 23 });
    fc.assert(
      fc.property(side, side, fc.integer(), (height, width, seed) => {
        const values = Float64Array.from({ length: height * width }, (_, i) => Math.sin(seed + i * i * 1.7));
        const expected = slowPower(values, height, width);
        const largest = Math.max(...expected);
        for (const [i, power] of powerSpectrum(values, height, width).entries())
          expect(Math.abs(power - expected[i]!)).toBeLessThanOrEqual(1e-10 * largest + 1e-20);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the peak ratio', () => {
  const side = 72;
  const map = (value: (x: number, y: number) => number) =>
    Float32Array.from({ length: side * side }, (_, i) => value(i % side, Math.floor(i / side)));
  const noise = (x: number, y: number) => Math.sin(12.9898 * x * x + 78.233 * y * y + 3 * x * y);

  test('stands out for stripes of period 2 and for no others', () => {
    const ratio = (value: (x: number, y: number) => number) => peakRatio(spectrumOf(map(value), side, side));
    const plain = ratio(noise);
    expect(plain).toBeGreaterThan(0.3);
    expect(plain).toBeLessThan(3);
    expect(ratio((x, y) => noise(x, y) + (x % 2))).toBeGreaterThan(20);
    expect(ratio((x, y) => noise(x, y) + (y % 2))).toBeGreaterThan(20);
    expect(ratio((x, y) => noise(x, y) + (x % 4 < 2 ? 1 : 0))).toBeLessThan(3);
  });

  test('there is none for a map that is the same everywhere', () => {
    expect(
      peakRatio(
        spectrumOf(
          map(() => 3),
          side,
          side,
        ),
      ),
    ).toBeNaN();
  });

  test('a spectrum adds up to 1, and its profile ends in the peak', () => {
    const spectrum = spectrumOf(
      map((x, y) => noise(x, y) + (x % 2)),
      side,
      side,
    );
    expect(spectrum.power.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
    const profile = profileOf(spectrum, 16);
    expect(profile.indexOf(Math.max(...profile))).toBe(15);
  });

  test('the window shows where the pattern is', () => {
    const value = (x: number, y: number) => (x >= 40 && y < 32 ? (x + y) % 2 : 0.5);
    const { x, y } = strongestPattern(map(value), side, side, 24);
    expect(x).toBeGreaterThan(48);
    expect(y).toBeLessThan(24);
    expect(y).toBeGreaterThanOrEqual(border + 12);
  });
});

describe('the trained networks', () => {
  // published when they were trained, with NumPy, on the test area
  test.each([
    ['rate1', 0.34657],
    ['same2', 2.59687],
    ['hdc123', 0.4393],
  ])('%s has the published ratio on the test area', async (id, published) => {
    const { peakRatio: ratio, height, width, maps, channelRatios } = await measured(id, 'plan-test-area.png');
    expect([maps.length, height, width, channelRatios.length]).toEqual([32, 200, 80, 32]);
    // decoders of JPEG, which the area was cut from, differ in the last bit
    expect(Math.abs(ratio / published - 1)).toBeLessThan(0.001);
  });

  test('on another picture only rates 2, 2, 2 have a peak', async () => {
    const ratios = await Promise.all(
      plans.map(async ({ id }) => (await measured(id, 'sample-north.png')).peakRatio),
    );
    expect(ratios[0]).toBeLessThan(1);
    expect(ratios[1]).toBeGreaterThan(2);
    expect(ratios[2]).toBeLessThan(1);
  });

  test('the channel most like a map is shown first', async () => {
    const { rates, weights } = plans[2]!;
    const features = featuresOf(rates, readFileSync(weights));
    const picture = await readPicture(asset('sample-north.png'));
    const { maps, first } = await measure(features, picture, backend);
    const other = (first + 5) % maps.length;
    const like = maps[other]!.map((value, i) => 3 * value + 2 + 0.01 * Math.sin(i));
    expect((await measure(features, picture, backend, { like })).first).toBe(other);
  });

  test('measuring tells how far it is and can be cancelled', async () => {
    const controller = new AbortController();
    const { rates, weights } = plans[0]!;
    const fractions: number[] = [];
    const work = measure(
      featuresOf(rates, readFileSync(weights)),
      await readPicture(asset('plan-test-area.png')),
      backend,
      {
        signal: controller.signal,
        onProgress(fraction) {
          fractions.push(fraction);
          if (fraction > 0.6) controller.abort();
        },
      },
    );
    await expect(work).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBeLessThan(1);
  });

  test('weights of another file are refused by name', () => {
    expect(() => featuresOf(plans[0]!.rates.slice(1), readFileSync(plans[0]!.weights))).toThrow(/body\.5/);
  });
});
