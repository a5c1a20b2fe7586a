import { expectClose } from '@atrous/conformance';
import {
  type Backend,
  type ConvOptions,
  compile,
  conv1d,
  conv2d,
  conv3d,
  convBySampling,
  convBySpaceToBatch,
  convByZeroFilledKernel,
  convTranspose2d,
  cpu,
  effectiveKernel,
  reference,
  type Tensor,
  tensor,
} from '@atrous/core';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';

interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly dilation: number;
  readonly stride: number;
  readonly padding: readonly [number, number];
}

interface Geometry {
  readonly axes: readonly Axis[];
  readonly batch: number;
  readonly groups: number;
  readonly inPerGroup: number;
  readonly outPerGroup: number;
}

const axis: fc.Arbitrary<Axis> = fc
  .record({
    extra: fc.integer({ min: 0, max: 9 }),
    kernel: fc.integer({ min: 1, max: 4 }),
    dilation: fc.integer({ min: 1, max: 4 }),
    stride: fc.integer({ min: 1, max: 3 }),
    padding: fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })),
  })
  .map(({ extra, ...rest }) => {
    const [before, after] = rest.padding;
    return {
      ...rest,
      size: Math.max(1, effectiveKernel(rest.kernel, rest.dilation) - before - after) + extra,
    };
  });

const geometry: fc.Arbitrary<Geometry> = fc.record({
  axes: fc.array(axis, { minLength: 1, maxLength: 3 }),
  batch: fc.integer({ min: 1, max: 2 }),
  groups: fc.integer({ min: 1, max: 2 }),
  inPerGroup: fc.integer({ min: 1, max: 3 }),
  outPerGroup: fc.integer({ min: 1, max: 5 }),
});

const convolutions = [conv1d, conv2d, conv3d] as const;

const shapesOf = ({ axes, batch, groups, inPerGroup, outPerGroup }: Geometry) => ({
  x: [batch, groups * inPerGroup, ...axes.map(({ size }) => size)],
  weight: [groups * outPerGroup, inPerGroup, ...axes.map(({ kernel }) => kernel)],
});

const optionsOf = ({ axes, groups }: Geometry): ConvOptions => ({
  groups,
  dilation: axes.map(({ dilation }) => dilation),
  stride: axes.map(({ stride }) => stride),
  padding: axes.map(({ padding }) => padding),
});

/** Values with many significant bits, so that another order of additions would show. */
function values(shape: readonly number[], seed: number): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float32Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i * 12.9898 + seed * 78.233) * 1.7)),
    shape,
  );
}

async function run(backend: Backend, fn: (x: Tensor) => Tensor, x: Tensor): Promise<Tensor> {
  const program = await compile(fn, x, { backend });
  try {
    return await program.run(x);
  } finally {
    program.dispose();
  }
}

describe.each([
  ['reference', async () => reference(), 0],
  ['cpu', cpu, 2e-5],
] as const)('%s: the algebra of dilated convolution', (_, create, tolerance) => {
  const backend = create();
  afterAll(async () => (await backend).dispose());

  const classic = [
    ['a dense convolution with a zero-filled kernel', convByZeroFilledKernel, true],
    ['sampling the input at equal distances', convBySampling, true],
    ['dense convolutions after space-to-batch', convBySpaceToBatch, false],
  ] as const;
  test.each(classic)(
    `dilated = %s, ${tolerance === 0 ? 'to the last bit' : `within ${tolerance}`}`,
    async (_title, form, strided) => {
      await fc.assert(
        fc.asyncProperty(geometry, async (any) => {
          const g = strided ? any : { ...any, axes: any.axes.map((a) => ({ ...a, stride: 1 })) };
          const { x, weight } = shapesOf(g);
          const [picture, kernel] = [values(x, 1), values(weight, 2)];
          const conv = convolutions[g.axes.length - 1]!;
          const want = await run(await backend, (t) => conv(t, kernel, optionsOf(g)), picture);
          const got = await run(await backend, (t) => form(t, kernel, optionsOf(g)), picture);
          expect(got.shape).toEqual(want.shape);
          if (tolerance > 0) return expectClose('the classic form', got, want, tolerance, tolerance);
          // A sum of signed zeros may come out as -0; it is the same number.
          expect([...got.dataSync()].map((v) => v + 0)).toEqual([...want.dataSync()].map((v) => v + 0));
        }),
        { numRuns: 120 },
      );
    },
  );

  test('output size: floor((size + padding - effective kernel) / stride) + 1', async () => {
    await fc.assert(
      fc.property(geometry, (g) => {
        const { x, weight } = shapesOf(g);
        const y = convolutions[g.axes.length - 1]!(values(x, 1), values(weight, 2), optionsOf(g));
        const sizes = g.axes.map(
          (a) =>
            Math.floor(
              (a.size + a.padding[0] + a.padding[1] - (a.kernel + (a.kernel - 1) * (a.dilation - 1))) /
                a.stride,
            ) + 1,
        );
        expect(y.shape).toEqual([g.batch, g.groups * g.outPerGroup, ...sizes]);
      }),
      { numRuns: 300 },
    );
  });

  test('a shifted input gives a shifted output, away from the border', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 5 }),
        async (dilation, kernel, stride, steps) => {
          const shift = steps * stride;
          const wide = values([1, 2, 40], 3);
          const left = tensor(
            Float32Array.from([0, 1].flatMap((c) => [...wide.dataSync().slice(c * 40, c * 40 + 40 - shift)])),
            [1, 2, 40 - shift],
          );
          const right = tensor(
            Float32Array.from([0, 1].flatMap((c) => [...wide.dataSync().slice(c * 40 + shift, c * 40 + 40)])),
            [1, 2, 40 - shift],
          );
          const weight = values([3, 2, kernel], 4);
          const conv = (t: Tensor) => conv1d(t, weight, { dilation, stride });
          const [a, b] = [await run(await backend, conv, left), await run(await backend, conv, right)];
          const length = a.shape[2]!;
          for (let c = 0; c < 3; c++)
            expect([...b.dataSync().slice(c * length, (c + 1) * length - steps)]).toEqual([
              ...a.dataSync().slice(c * length + steps, (c + 1) * length),
            ]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('linear in the input: conv(a x + b z) = a conv(x) + b conv(z)', async () => {
    await fc.assert(
      fc.asyncProperty(
        geometry,
        fc.integer({ min: -3, max: 3 }),
        fc.integer({ min: -3, max: 3 }),
        async (g, a, b) => {
          const shapes = shapesOf(g);
          const [x, z, weight] = [values(shapes.x, 5), values(shapes.x, 6), values(shapes.weight, 7)];
          const conv = (t: Tensor) => convolutions[g.axes.length - 1]!(t, weight, optionsOf(g));
          const mixed = tensor(
            x.dataSync().map((v, i) => a * v + b * z.dataSync()[i]!) as Float32Array,
            x.shape,
          );
          const [left, cx, cz] = [
            await run(await backend, conv, mixed),
            await run(await backend, conv, x),
            await run(await backend, conv, z),
          ];
          left.dataSync().forEach((v, i) => {
            expect(Math.abs(v - (a * cx.dataSync()[i]! + b * cz.dataSync()[i]!))).toBeLessThan(2e-4);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('transposed convolution is the adjoint: <conv(x), y> = <x, convTranspose(y)>', async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(axis, axis), fc.integer({ min: 1, max: 2 }), async (axes, groups) => {
        const g: Geometry = { axes, batch: 1, groups, inPerGroup: 2, outPerGroup: 2 };
        const { x: xShape, weight: weightShape } = shapesOf(g);
        const [x, weight] = [values(xShape, 8), values(weightShape, 9)];
        const forward = await run(await backend, (t) => conv2d(t, weight, optionsOf(g)), x);
        const y = values(forward.shape, 10);
        // The adjoint needs to know how many inputs the last window left over.
        const outputPadding = axes.map(
          (a) => (a.size + a.padding[0] + a.padding[1] - effectiveKernel(a.kernel, a.dilation)) % a.stride,
        );
        fc.pre(axes.every((a, i) => outputPadding[i]! < Math.max(a.stride, a.dilation)));
        const { dilation, stride, padding } = optionsOf(g) as {
          dilation: number[];
          stride: number[];
          padding: [number, number][];
        };
        const back = await run(
          await backend,
          (t) => convTranspose2d(t, weight, { dilation, stride, padding, outputPadding, groups }),
          y,
        );
        expect(back.shape).toEqual(x.shape);
        const dot = (a: Tensor, b: Tensor) =>
          Array.from(a.dataSync()).reduce((sum, v, i) => sum + v * b.dataSync()[i]!, 0);
        expect(dot(forward, y)).toBeCloseTo(dot(x, back), 3);
      }),
      { numRuns: 60 },
    );
  });
});
