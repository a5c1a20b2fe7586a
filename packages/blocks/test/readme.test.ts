import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  aspp,
  batchNorm,
  block,
  convolution,
  deepLabV3,
  describe,
  hdcGroup,
  hdcVerdict,
  initialize,
  loadParameters,
  resnet,
  sequential,
  tcn,
  tcnParameters,
} from '@atrous/blocks';
import { add, compile, cpu, full, input, relu, type Tensor, zeros } from '@atrous/core';
import { readSafetensors } from '@atrous/core/safetensors';
import { expect, it } from 'vitest';

const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const path = new URL('../../../internal/conformance/golden/weights/seed_aspp.safetensors', import.meta.url);
const backend = await cpu();

it('loads weights from PyTorch and runs them', async () => {
  const x = zeros([1, 24, 33, 33]);

  const network = aspp({ inChannels: 24, depth: 16 });
  const { tensors } = readSafetensors(await readFile(path));
  const parameters = loadParameters(network, tensors);

  const run = (x: Tensor) => network.apply(parameters, x);
  const program = await compile(run, input([1, 24, 33, 33]), { backend });
  const y = await program.run(x); // [1, 16, 33, 33]

  expect(y.shape).toEqual([1, 16, 33, 33]);
});

it('makes a block, and a network of it', async () => {
  const x = zeros([1, 8, 12, 12]);

  const residual = (channels: number, rate: number) =>
    block(
      {
        conv: convolution(channels, channels, 3, { dilation: rate, padding: rate, bias: false }),
        bn: batchNorm(channels),
      },
      (m, x: Tensor) => relu(add(x, m.bn(m.conv(x)))),
    );

  const network = sequential([residual(8, 1), residual(8, 2), residual(8, 5)]);
  network.parameters['1.conv.weight']; // { shape: [8, 8, 3, 3], init: 'kaiming', trained: true }
  const y = network.apply(initialize(network, { seed: 1 }), x);

  expect(network.parameters['1.conv.weight']).toEqual({
    shape: [8, 8, 3, 3],
    init: 'kaiming',
    trained: true,
  });
  expect(y.shape).toEqual([1, 8, 12, 12]);
});

it('describes a block', () => {
  const description = describe(aspp({ inChannels: 2048 }), [1, 2048, 33, 33]);
  description.bounded?.size; // [37, 37]
  description.coverage?.fraction; // 0.018: 25 of 1369 inputs
  description.toString();

  expect(description.bounded?.size).toEqual([37, 37]);
  expect(description.coverage).toMatchObject({ touched: 25, area: 1369 });
  const shown = text('../README.md').match(/<!-- description -->\n```\n([\s\S]*?)```\n<!-- end -->/)![1]!;
  expect(shown.trimEnd()).toBe(description.toString());
});

it('builds backbones at any output stride', () => {
  const picture = zeros([1, 3, 64, 64]);

  const features = resnet({ depth: 18, outputStride: 8, returns: { out: 'layer4', low: 'layer1' } });
  features.channels; // { out: 512, low: 64 }
  features.strides; // { out: 8, low: 4 }
  const { out, low } = features.apply(initialize(features), picture);
  const segmenter = deepLabV3({ backbone: 'resnet50', numClasses: 21, aux: true });

  expect(features.channels).toEqual({ out: 512, low: 64 });
  expect(features.strides).toEqual({ out: 8, low: 4 });
  expect(out.shape).toEqual([1, 512, 8, 8]);
  expect(low.shape).toEqual([1, 64, 16, 16]);
  expect(segmenter.parameters['backbone.layer4.2.conv3.weight']!.shape).toEqual([2048, 512, 1, 1]);
});

it('multiplies weight normalisation out', () => {
  const stored = Object.entries(tcn({ inChannels: 1, channels: [25, 25, 25, 25], kernel: 7 }).parameters)
    .flatMap(([name, { shape }]) =>
      /conv\d\.weight$/.test(name)
        ? [[`${name}_g`, [shape[0]!, 1, 1]] as const, [`${name}_v`, shape] as const]
        : [[name, shape] as const],
    )
    .map(([name, shape]) => [name, full(shape, 1)] as const);
  const tensors = Object.fromEntries(stored);

  const network = tcn({ inChannels: 1, channels: [25, 25, 25, 25], kernel: 7 });
  const loaded = loadParameters(network, tcnParameters(tensors));

  expect(loaded['network.0.conv1.weight']!.dataSync()[0]).toBeCloseTo(1 / Math.sqrt(7), 6);
});

it('judges rates', () => {
  const group = hdcGroup({ block: 'bottleneck', inChannels: 64, planes: 16, rates: [1, 2, 5] });
  hdcVerdict({ block: 'bottleneck', rates: [1, 2, 5] }).message;

  expect(Object.keys(group.parameters)).toContain('2.conv2.weight');
  expect(text('../README.md')).toContain(hdcVerdict({ block: 'bottleneck', rates: [1, 2, 5] }).message);
  expect(text('../README.md')).toContain(hdcVerdict({ block: 'bottleneck', rates: [2, 2, 2] }).message);
});

it('is what the README shows, line by line', () => {
  const here = new Set(
    text('./readme.test.ts')
      .split('\n')
      .map((line) => line.trim()),
  );
  const shown = [...text('../README.md').matchAll(/```ts\n([\s\S]*?)```/g)]
    .flatMap(([, code]) => code!.split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('import ') && !line.startsWith('//'));
  expect(shown.length).toBeGreaterThan(15);
  expect(shown.filter((line) => !here.has(line))).toEqual([]);
});
