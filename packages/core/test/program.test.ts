import {
  add,
  type Backend,
  compile,
  conv2d,
  cpu,
  DisposedError,
  input,
  MemoryError,
  mul,
  OptionError,
  reference,
  relu,
  ShapeError,
  type Tensor,
  tensor,
} from '@atrous/core';
import { describe, expect, test } from 'vitest';

const weight = tensor(
  Float32Array.from({ length: 32 * 32 * 9 }, (_, i) => Math.sin(i)),
  [32, 32, 3, 3],
  'float32',
  'body.weight',
);
const network = (x: Tensor) =>
  relu(add(conv2d(conv2d(x, weight, { padding: 2, dilation: 2 }), weight, { padding: 1 }), x));
const picture = () => Float32Array.from({ length: 32 * 24 * 24 }, (_, i) => Math.cos(i));
const compiled = (backend: Backend, options = {}) =>
  compile(network, input([1, 32, 24, 24]), { backend, ...options });

describe.each([
  ['reference', async () => reference()],
  ['cpu', cpu],
] as const)('a program of %s', (name, create) => {
  test('writes into out, and tells every step', async () => {
    const { program } = await compiled(await create());
    const [want] = await program.run([picture()]);
    const out = [new Float32Array(want!.length)];
    const steps: number[] = [];
    const result = await program.run([picture()], {
      out,
      onStep: (index, milliseconds) => steps.push(milliseconds >= 0 ? index : -1),
    });
    expect(result[0]).toBe(out[0]);
    expect(out[0]).toEqual(want);
    expect(steps).toEqual(program.steps.map((_, i) => i));
    const [first] = program.steps.filter(({ name }) => name === 'body');
    expect(first).toMatchObject({ name: 'body', macs: 32 * 32 * 9 * 24 * 24 });
  });

  test('results are new arrays that later runs leave alone', async () => {
    const { program } = await compiled(await create());
    const [first] = await program.run([picture()]);
    const copy = first!.slice();
    await program.run([picture().fill(1)]);
    expect(first).toEqual(copy);
  });

  test('can be cancelled in the middle and stays usable', async () => {
    const { program } = await compiled(await create());
    const controller = new AbortController();
    const reason = new Error('enough');
    await expect(
      program.run([picture()], { signal: controller.signal, onStep: () => controller.abort(reason) }),
    ).rejects.toBe(reason);
    await expect(program.run([picture()], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(program.run([picture()])).resolves.toHaveLength(1);
  });

  test('a timer can cancel a single long step', async () => {
    const big = input([1, 32, 700, 700]);
    const backend = await create();
    const { program } = await compile((x) => conv2d(x, weight, { padding: 4, dilation: 4 }), big, {
      backend,
    });
    const signal = AbortSignal.timeout(1);
    await expect(program.run([new Float32Array(32 * 700 * 700)], { signal })).rejects.toThrow(/timeout/);
  });

  test('runs of one backend are queued and do not disturb each other', async () => {
    const backend = await create();
    const [a, b] = [
      await compiled(backend),
      await compile((x: Tensor) => mul(relu(x), 2), input([3]), { backend }),
    ];
    const [want] = await a.program.run([picture()]);
    const [x, y, z] = await Promise.all([
      a.program.run([picture()]),
      b.program.run([Float32Array.of(-1, 1, 2)]),
      a.program.run([picture()]),
    ]);
    expect(x[0]).toEqual(want);
    expect(z[0]).toEqual(want);
    expect(y[0]).toEqual(Float32Array.of(0, 2, 4));
  });

  test('memory is known, and refused above the bound', async () => {
    const backend = await create();
    const { program } = await compiled(backend);
    const plane = 32 * 24 * 24 * 4;
    expect(program.memory).toBeGreaterThanOrEqual(2 * plane + weight.dataSync().byteLength);
    expect(program.memory).toBeLessThan(12 * plane + 8 * weight.dataSync().byteLength);
    await expect(compiled(backend, { maxMemory: 1000 })).rejects.toThrow(MemoryError);
    await expect(compiled(backend, { maxMemory: 1000 })).rejects.toThrow(
      new RegExp(
        `^${name}: the program needs \\d\\.\\d MB but maxMemory is 0\\.0 MB; raise maxMemory or work on tiles \\(largest value: `,
      ),
    );
    await expect(compiled(backend, { maxMemory: Number.NaN })).rejects.toThrow(OptionError);
  });

  test('wrong arrays are refused with the numbers', async () => {
    const { program } = await compile((x: Tensor) => relu(x), input([2, 3], 'float32', 'x'), {
      backend: await create(),
    });
    await expect(program.run([])).rejects.toThrow('run: the program has 1 input arrays but 0 were given');
    await expect(program.run([new Float32Array(5)])).rejects.toThrow(
      "run: input 0 ('x') must be float32 with 6 values [2, 3] but is float32 with 5",
    );
    await expect(program.run([new Int32Array(6)])).rejects.toThrow(
      "run: input 0 ('x') must be float32 with 6 values [2, 3] but is int32 with 6",
    );
    await expect(program.run([new Float32Array(6)], { out: [new Float32Array(1)] })).rejects.toThrow(
      ShapeError,
    );
    await expect(program.run([undefined as never])).rejects.toThrow(ShapeError);
  });

  test('disposed programs and backends say so', async () => {
    const backend = await create();
    const [a, b] = [await compiled(backend), await compiled(backend)];
    a.dispose();
    await expect(a.program.run([picture()])).rejects.toThrow(DisposedError);
    await expect(b.program.run([picture()])).resolves.toHaveLength(1);
    const pending = b.program.run([picture()]);
    await backend.dispose();
    await pending.catch((error) => expect(error).toBeInstanceOf(DisposedError));
    await expect(b.program.run([picture()])).rejects.toThrow(
      'program: the backend was disposed; make a new one',
    );
    await expect(compiled(backend)).rejects.toThrow(DisposedError);
  });
});

test('cpu fuses, reference does not', async () => {
  const [plain, fused] = [await compiled(reference()), await compiled(await cpu())];
  expect(plain.program.steps).toHaveLength(4);
  expect(fused.program.steps.map(({ algorithm }) => algorithm)).toEqual([
    'channels last',
    'Winograd F(4,3)',
    'Winograd F(4,3)',
    'row-major',
  ]);
});
