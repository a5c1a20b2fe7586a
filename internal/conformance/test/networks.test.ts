/** Whole networks on the CPU engine: no step leaves WebAssembly, and the results are the reference's. */
import { deepLabHead, initialize } from '@atrous/blocks';
import { expectClose } from '@atrous/conformance';
import * as atrous from '@atrous/core';
import { waterNet } from '@atrous/segment/models';
import { describe, expect, test } from 'vitest';

type Tensor = atrous.Tensor;

interface Network {
  readonly input: Tensor;
  readonly apply: (x: Tensor) => Tensor;
}

/** Well-mixed values in [-1, 1). */
function values(shape: readonly number[], seed: number): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: count }, (_, i) => {
    const x = Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  });
  return atrous.tensor(data, shape);
}

const weight = (outputs: number, inputs: number, kernel: readonly number[], seed = outputs) => {
  const shape = [outputs, inputs, ...kernel];
  const scale = 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
  return atrous.tensor(
    (values(shape, seed).dataSync() as Float32Array).map((value) => scale * value),
    shape,
  );
};

const bytes = (shape: readonly number[]) =>
  atrous.tensor(
    Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 37) % 256),
    shape,
    'uint8',
  );

const conv2d = (x: Tensor, outputs: number, dilation = 1, stride = 1) =>
  atrous.conv2d(x, weight(outputs, x.shape[1]!, [3, 3]), { padding: dilation, dilation, stride });

const networks: Readonly<Record<string, () => Network>> = {
  'the water network': () => {
    const parameters = initialize(waterNet);
    return { input: values([1, 1, 40, 36], 1), apply: (x) => waterNet.apply(parameters, x) };
  },
  'a picture of RGBA bytes to classes': () => {
    const head = deepLabHead({ inChannels: 16, numClasses: 5, rates: [2, 4, 6], width: 16 });
    const parameters = initialize(head);
    return {
      input: bytes([1, 33, 35, 4]),
      apply(x) {
        const planes = atrous.transpose(atrous.cast(x, 'float32'), [0, 3, 1, 2]);
        const colours = atrous.slice(planes, { axes: [1], start: [0], end: [3] });
        const mean = atrous.tensor([120, 110, 100], [3, 1, 1]);
        const picture = atrous.div(atrous.sub(colours, mean), 64);
        const features = atrous.relu(conv2d(atrous.relu(conv2d(picture, 12, 1, 2)), 16));
        const logits = head.apply(parameters, features);
        const large = atrous.interpolate(logits, { size: [33, 35], mode: 'bilinear' });
        return atrous.cast(atrous.argmax(large), 'uint8');
      },
    };
  },
  'an encoder and a decoder with skips': () => ({
    input: values([2, 3, 24, 20], 2),
    apply(x) {
      const first = atrous.relu(
        conv2d(
          atrous.pad(
            x,
            [
              [1, 1],
              [1, 1],
            ],
            { mode: 'reflect' },
          ),
          8,
        ),
      );
      const second = atrous.relu(conv2d(atrous.maxPool2d(first, 2), 12, 2));
      const squeezed = atrous.sigmoid(atrous.conv2d(atrous.globalAvgPool(second), weight(12, 12, [1, 1])));
      const normal = atrous.groupNorm(atrous.mul(second, squeezed), 3, {
        weight: atrous.tensor([1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2]),
      });
      const parts = [1, 2, 3].map((size) =>
        atrous.interpolate(atrous.adaptiveAvgPool(normal, size), {
          size: normal.shape.slice(2),
          mode: 'bilinear',
        }),
      );
      const up = atrous.relu(
        atrous.convTranspose2d(atrous.concat([normal, ...parts]), weight(48, 8, [2, 2]), { stride: 2 }),
      );
      const shuffled = atrous.depthToSpace(conv2d(normal, 16), 2);
      return atrous.softmax(conv2d(atrous.concat([up, first, shuffled]), 5));
    },
  }),
  'volumes, rates 1 to 4': () => ({
    input: values([1, 1, 9, 8, 10], 3),
    apply(x) {
      const body = [1, 2, 4, 1].reduce((y, dilation, i) => {
        const conv = atrous.conv3d(y, weight(5, y.shape[1]!, [3, 3, 3], i), { padding: dilation, dilation });
        return atrous.relu(atrous.instanceNorm(conv));
      }, x);
      return atrous.argmax(atrous.conv3d(body, weight(3, 5, [1, 1, 1])));
    },
  }),
  'attention between all positions': () => ({
    input: values([2, 6, 5, 7], 5),
    apply(x) {
      const [batch, , height, width] = x.shape as readonly [number, number, number, number];
      const tokens = (y: Tensor) => atrous.reshape(y, [batch, y.shape[1]!, height * width]);
      const one = (outputs: number, seed: number) =>
        tokens(atrous.conv2d(x, weight(outputs, 6, [1, 1], seed)));
      const scores = atrous.matmul(atrous.transpose(one(4, 1), [0, 2, 1]), one(4, 2));
      const mixed = atrous.matmul(one(6, 3), atrous.transpose(atrous.softmax(scores, -1), [0, 2, 1]));
      return atrous.add(x, atrous.reshape(mixed, x.shape));
    },
  }),
  'gated causal sound': () => ({
    input: values([1, 1, 200], 4),
    apply(x) {
      let y = atrous.conv1d(x, weight(6, 1, [1]));
      const skips = [1, 2, 4, 8].map((dilation) => {
        const both = atrous.conv1d(y, weight(12, 6, [2], dilation), { padding: 'causal', dilation });
        const [filter, gate] = atrous.split(both, [6, 6], 1) as [Tensor, Tensor];
        const gated = atrous.mul(atrous.tanh(filter), atrous.sigmoid(gate));
        y = atrous.add(y, atrous.conv1d(gated, weight(6, 6, [1], dilation)));
        return atrous.conv1d(gated, weight(8, 6, [1], dilation + 1));
      });
      const sum = skips.reduce((a, b) => atrous.add(a, b));
      return atrous.softmax(atrous.conv1d(atrous.relu(sum), weight(10, 8, [1])));
    },
  }),
};

describe.each(Object.entries(networks))('%s', (name, make) => {
  test('runs in WebAssembly alone', async () => {
    const { input, apply } = make();
    const backend = await atrous.cpu({ threads: 1 });
    const compiled = await atrous.compile(apply, input, { backend });
    const plain = await atrous.compile(apply, input, { backend: atrous.reference() });
    const { steps } = compiled.program;
    expect(steps.filter(({ algorithm }) => algorithm.includes('JavaScript'))).toEqual([]);
    expectClose(name, await compiled.run(input), await plain.run(input), 2e-5, 2e-5);
    await backend.dispose();
  });
});
