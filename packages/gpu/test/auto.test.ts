import {
  argmax,
  type Backend,
  conv2d,
  cpu,
  input,
  OptionError,
  reference,
  relu,
  ShapeError,
  type Tensor,
  tensor,
  UnsupportedError,
  type Values,
} from '@atrous/core';
import { auto } from '@atrous/gpu';
import { describe, expect, test } from 'vitest';
import { autoBy } from '../src/auto.js';
import { expectNear, network, noise, picture, shape } from './behaviour.js';

/** Backends whose runs take as long as they say, by a clock that only they move. */
function bench() {
  let time = 0;
  const disposed: string[] = [];
  const runs: string[] = [];
  const open =
    (name: string, milliseconds: number, alter: (outputs: readonly Values[]) => void = () => undefined) =>
    async (): Promise<Backend> => {
      const inner = await reference();
      return {
        ...inner,
        name,
        info: { mode: name },
        async compile(graph, options) {
          const program = await inner.compile(graph, options);
          return {
            ...program,
            async run(inputs, runOptions) {
              runs.push(name);
              time += milliseconds;
              const outputs = await program.run(inputs, runOptions);
              alter(outputs);
              return outputs;
            },
            dispose: () => program.dispose(),
          };
        },
        async dispose() {
          disposed.push(name);
          await inner.dispose();
        },
      };
    };
  return { open, disposed, runs, now: () => time };
}

const weight = tensor(noise(9), [1, 1, 3, 3]);
const fn = (x: Tensor) => relu(conv2d(x, weight, { padding: 'same', dilation: 2 }));
const example = input([1, 1, 6, 5]);
const fails = (message: string) => async (): Promise<Backend> => {
  throw new UnsupportedError(message);
};
const spoil = ([values]: readonly Values[]) => {
  values![7] = 100;
};

describe('auto', () => {
  test('keeps the fastest and disposes the others', async () => {
    const { open, disposed, runs, now } = bench();
    const backends = { slow: open('slow', 9), fast: open('fast', 2), middle: open('middle', 5) };
    const program = await autoBy(now, fn, example, { backends });
    expect(program.name).toBe('fast');
    expect(program.backend.name).toBe('fast');
    expect(program.trials).toEqual([
      { name: 'slow', info: { mode: 'slow' }, milliseconds: 9 },
      { name: 'fast', info: { mode: 'fast' }, milliseconds: 2 },
      { name: 'middle', info: { mode: 'middle' }, milliseconds: 5 },
    ]);
    expect(disposed).toEqual(['slow', 'middle']);
    expect(runs).toEqual(['slow', 'slow', 'fast', 'fast', 'middle', 'middle']);
    const x = tensor(noise(30), [1, 1, 6, 5]);
    const got = await program.run(x);
    expectNear(await got.data(), await fn(x).data(), 1e-6);
    await program.backend.dispose();
  });

  test('names a backend that does not start, or fails while it runs', async () => {
    const { open, disposed, now } = bench();
    const broken = open('broken', 1, () => {
      throw new Error('the kernel failed');
    });
    const backends = { absent: fails('no adapter here'), broken, cpu: open('cpu', 50) };
    const program = await autoBy(now, fn, example, { backends });
    expect(program.name).toBe('cpu');
    expect(program.trials).toEqual([
      { name: 'absent', reason: 'no adapter here' },
      { name: 'broken', reason: 'the kernel failed' },
      { name: 'cpu', info: { mode: 'cpu' }, milliseconds: 50 },
    ]);
    expect(disposed).toEqual(['broken']);
  });

  test('does not take a fast backend that disagrees, and says where', async () => {
    const { open, disposed, now } = bench();
    const backends = { cpu: open('cpu', 50), wrong: open('wrong', 1, spoil) };
    const program = await autoBy(now, fn, example, { backends });
    expect(program.name).toBe('cpu');
    expect(program.trials[1]).toEqual({
      name: 'wrong',
      info: { mode: 'wrong' },
      milliseconds: 1,
      reason: expect.stringMatching(/disagrees with cpu: output 0: \d+ of 30 values differ.* at \d+: /),
    });
    expect(disposed).toEqual(['wrong']);
  });

  test('believes two that agree over the first', async () => {
    const { open, now } = bench();
    const backends = { wrong: open('wrong', 1, spoil), one: open('one', 7), two: open('two', 6) };
    const program = await autoBy(now, fn, example, { backends });
    expect(program.name).toBe('two');
    expect(program.trials[0]!.reason).toMatch(/disagrees with one/);
  });

  test.each([NaN, Infinity])('%s agrees with itself only', async (value) => {
    const { open, now } = bench();
    const set = ([values]: readonly Values[]) => {
      values![3] = value;
    };
    const same = { one: open('one', 2, set), two: open('two', 1, set) };
    expect((await autoBy(now, fn, example, { backends: same })).name).toBe('two');
    const other = { one: open('one', 2), two: open('two', 1, set) };
    expect((await autoBy(now, fn, example, { backends: other })).name).toBe('one');
  });

  test('labels may differ in the share that the tolerance allows', async () => {
    const { open, now } = bench();
    const labels = (x: Tensor) => argmax(x, 1);
    const one = ([values]: readonly Values[]) => {
      values![4] = 9;
    };
    const backends = { cpu: open('cpu', 2), other: open('other', 1, one) };
    const some = input([1, 3, 10, 10]);
    expect((await autoBy(now, labels, some, { backends })).name).toBe('cpu');
    expect((await autoBy(now, labels, some, { backends, tolerance: 0.01 })).name).toBe('other');
  });

  test('without a backend that runs, all reasons are told', async () => {
    const backends = { a: fails('no a'), b: fails('no b') };
    const error = await auto(fn, example, { backends }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UnsupportedError);
    expect((error as Error).message).toMatch(/a: no a; b: no b/);
    expect((error as UnsupportedError).details).toEqual({ reasons: { a: 'no a', b: 'no b' } });
  });

  test('tries on the inputs that are given, and refuses others than the example', async () => {
    const { open, disposed, now } = bench();
    const seen: number[] = [];
    const look = ([values]: readonly Values[]) => void seen.push(values![0]!);
    const backends = { cpu: open('cpu', 1, look) };
    const identity = (x: Tensor) => relu(x);
    await autoBy(now, identity, input([2]), { backends, inputs: tensor([41, 42]) });
    expect(seen).toEqual([41, 41]);
    const wrong = autoBy(now, identity, input([2]), { backends, inputs: tensor([1, 2, 3]) });
    await expect(wrong).rejects.toThrow(ShapeError);
    expect(disposed).toEqual(['cpu']);
  });

  test('stops when cancelled, and disposes what it opened', async () => {
    const { open, disposed, now } = bench();
    const controller = new AbortController();
    const cancel = () => controller.abort(new Error('enough'));
    const backends = { one: open('one', 1), two: open('two', 1, cancel), three: open('three', 1) };
    const { signal } = controller;
    await expect(autoBy(now, fn, example, { backends, signal })).rejects.toThrow('enough');
    expect(disposed.sort()).toEqual(['one', 'two']);
  });

  test('refuses options that make no sense', async () => {
    await expect(auto(fn, example, { backends: {} })).rejects.toThrow(OptionError);
    await expect(auto(fn, example, { backends: { cpu: 7 as never } })).rejects.toThrow(/backends.cpu/);
    await expect(auto(fn, example, { tolerance: NaN })).rejects.toThrow(OptionError);
    await expect(auto(() => 7 as never, example)).rejects.toThrow(OptionError);
  });

  test('with real backends agrees and runs', async () => {
    const program = await auto(network(), input(shape), {
      backends: { reference: async () => reference(), cpu: () => cpu({ threads: 1 }) },
    });
    expect(program.trials.map(({ reason }) => reason)).toEqual([undefined, undefined]);
    const [got] = await program.program.run([picture()]);
    const [want] = await (await (await reference()).compile(program.graph)).run([picture()]);
    expectNear(got!, want!, 1e-5);
    await program.backend.dispose();
  });

  test('tries cpu and every mode by itself', async () => {
    const program = await auto(network(), input(shape));
    expect(program.trials.map(({ name, reason }) => [name, reason])).toEqual([
      ['cpu', undefined],
      ['webgpu', expect.stringMatching(/webgpu/)],
      ['webgl2', expect.stringMatching(/canvas/)],
      ['webasm', undefined],
    ]);
    await program.backend.dispose();
  });
});
