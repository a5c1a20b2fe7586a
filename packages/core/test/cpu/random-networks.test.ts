/**
 * Chains of layout ops, pools and convolutions by chance against the reference: values that are slices of others, move
 * into concatenations or have two names. Memory is full of NaN before every run, so nothing may read what lies beyond.
 */
import { expect, test } from 'vitest';
import * as atrous from '../../src/index.js';

type Tensor = atrous.Tensor;

/** Draws integers below a bound. */
function drawer(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Draw = ReturnType<typeof drawer>;

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
const values = (draw: Draw, shape: readonly number[]) =>
  atrous.tensor(
    Float32Array.from({ length: product(shape) }, () => draw(1000) / 250 - 2),
    shape,
  );

function conv(draw: Draw, x: Tensor, outputs: number, kernel: 1 | 3): Tensor {
  const spatial = x.shape.slice(2);
  const weight = values(draw, [outputs, x.shape[1]!, ...spatial.map(() => kernel)]);
  const run = [atrous.conv1d, atrous.conv2d, atrous.conv3d][spatial.length - 1]!;
  return run(x, weight, { padding: kernel >> 1 });
}

const spatialAxes = (x: Tensor) => x.shape.slice(2).map((_, i) => i + 2);
const among = (draw: Draw, list: readonly Tensor[]) => list[draw(list.length)]!;

/** Ops of one value; a few look for a partner among all values so far. */
const steps: readonly ((draw: Draw, x: Tensor, all: readonly Tensor[]) => Tensor)[] = [
  (draw, x) => conv(draw, x, 1 + draw(9), draw(2) ? 3 : 1),
  (draw, x) => atrous.relu(atrous.add(conv(draw, x, x.shape[1]!, 3), x)),
  (_, x) => atrous.relu(x),
  (draw, x) => atrous.mul(x, values(draw, [x.shape[1]!, ...spatialAxes(x).map(() => 1)])),
  (draw, x, all) =>
    atrous.sub(
      x,
      among(
        draw,
        all.filter(({ shape }) => shape.join() === x.shape.join()),
      ),
    ),
  (draw, x, all) => {
    const place = ({ shape: [batch, , ...spatial] }: Tensor) => [batch, ...spatial].join();
    const alike = all.filter((other) => place(other) === place(x));
    const whole = atrous.concat([among(draw, alike), x, among(draw, alike)]);
    return whole.shape[1]! < 48 ? whole : x;
  },
  (draw, x) => {
    const start = draw(x.shape[1]!);
    return atrous.slice(x, {
      axes: [1],
      start: [start],
      end: [start + 1 + draw(x.shape[1]! - start)],
    });
  },
  (draw, x) =>
    atrous.pad(
      x,
      spatialAxes(x).map(() => [draw(2), draw(2)] as const),
      { mode: draw(2) ? 'constant' : 'replicate' },
    ),
  (draw, x) =>
    atrous.adaptiveMaxPool(
      x,
      x.shape.slice(2).map((size) => 1 + draw(size)),
    ),
  (_, x) => atrous.broadcastTo(atrous.mean(x, spatialAxes(x), { keepDims: true }), x.shape),
  (_, x) => atrous.broadcastTo(atrous.max(x, 1, { keepDims: true }), x.shape),
  (draw, x) => {
    const size = x.shape.slice(2).map((n) => 1 + draw(2 * n));
    return atrous.resize(x, { size, mode: 'linear', axes: size.map(() => ({ scale: 0.6, offset: -0.2 })) });
  },
  (_, x) => atrous.softmax(x),
  (_, x) => (x.shape.length > 3 ? atrous.reshape(x, [...x.shape.slice(0, 2), -1]) : x),
  (_, x) => atrous.transpose(x, [0, x.shape.length - 1, ...spatialAxes(x).map((axis) => axis - 1)]),
  (_, x) => atrous.transpose(x, [0, ...spatialAxes(x), 1]),
];

function network(seed: number, x: Tensor): Tensor[] {
  const draw = drawer(seed);
  const all = [x];
  while (all.length < 11) {
    const y = steps[draw(steps.length)]!(draw, among(draw, all), all);
    if (product(y.shape) < 5000) all.push(y);
  }
  return seed % 2 ? all : all.slice(-3);
}

test('random networks agree with the reference, whatever was in memory', async () => {
  const backend = await atrous.cpu({ threads: 1 });
  const nothing = atrous.tensor(new Float32Array(40000).fill(NaN), [1, 4, 100, 100]);
  const fill = (x: Tensor) => [atrous.relu(x), atrous.maxPool2d(x, 1), atrous.neg(x)];
  const poison = await atrous.compile(fill, nothing, { backend });
  for (let seed = 1; seed <= 200; seed++) {
    const draw = drawer(seed + 1000);
    const axes = 1 + draw(3);
    const shape = [1 + draw(2), 1 + draw(9), ...Array.from({ length: axes }, () => 2 + draw(4))];
    const x = values(draw, shape);
    const apply = (input: Tensor) => network(seed, input);
    const engine = await atrous.compile(apply, x, { backend });
    const truth = await atrous.compile(apply, x, { backend: atrous.reference() });
    await poison.run(nothing);
    const got = await engine.run(x);
    for (const [i, want] of (await truth.run(x)).entries()) {
      const wanted = want.dataSync();
      const given = got[i]!.dataSync();
      let largest = 1;
      let error = 0;
      for (const [at, value] of wanted.entries()) {
        largest = Math.max(largest, Math.abs(value));
        error = Math.max(error, Math.abs(given[at]! - value));
      }
      expect(error / largest, `network ${seed}, output ${i}`).toBeLessThan(1e-4);
    }
    engine.dispose();
  }
  await backend.dispose();
});
