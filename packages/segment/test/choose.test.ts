import {
  type Backend,
  compile,
  conv2d,
  cpu,
  input,
  ones,
  type Tensor,
  tensor,
  type Values,
} from '@atrous/core';
import type * as gpuPackage from '@atrous/gpu';
import { afterEach, expect, test, vi } from 'vitest';
import { chooseBackend } from '../src/engine/choose.js';

// this machine may have no graphics card: one is played by cpu, as slow or as fast as a test wants
const card = vi.hoisted(() => ({ there: false, slow: false, opened: 0, disposed: 0 }));

vi.mock('@atrous/gpu', async (original) => ({
  ...(await original<typeof gpuPackage>()),
  availableModes: async () => [
    { mode: 'webgpu', available: false, reason: 'none' },
    { mode: 'webgl2', available: true, software: !card.there, adapter: 'a card' },
  ],
  gpu: async ({ mode }: { mode: string }): Promise<Backend> => {
    const backend = await cpu({ threads: 1 });
    card.opened++;
    return {
      ...backend,
      name: `gpu ${mode}`,
      async compile(graph, options) {
        const program = await backend.compile(graph, options);
        let known: { input: Values; outputs: readonly Values[] } | undefined;
        return {
          ...program,
          // what it has computed once, a fast card gives at once
          async run(inputs, runOptions) {
            if (card.slow) await new Promise((resolve) => setTimeout(resolve, 1000));
            if (card.slow || known?.input !== inputs[0])
              known = { input: inputs[0]!, outputs: await program.run(inputs, runOptions) };
            return known!.outputs;
          },
        };
      },
      async dispose() {
        card.disposed++;
        await backend.dispose();
      },
    };
  },
}));

afterEach(() => Object.assign(card, { there: false, slow: false, opened: 0, disposed: 0 }));

const network = (x: Tensor) => conv2d(x, ones([16, 1, 3, 3]), { padding: 'same' });

async function chosen(): Promise<string> {
  const backend = await chooseBackend('auto', { network, shape: [1, 1, 512, 512] });
  // the trial leaves it usable
  const program = await compile(network, input([1, 1, 1, 1]), { backend });
  const y = await program.run(tensor(Float32Array.of(3), [1, 1, 1, 1]));
  expect(y.dataSync()[0]).toBe(3);
  await backend.dispose();
  return backend.name;
}

test('auto is cpu where there is only a card in software, which is not even opened', async () => {
  expect(await chosen()).toBe('cpu');
  expect(card.opened).toBe(0);
});

test('auto is cpu where it is faster than the card, which is freed', async () => {
  Object.assign(card, { there: true, slow: true });
  expect(await chosen()).toBe('cpu');
  expect(card).toMatchObject({ opened: 1, disposed: 1 });
});

test('auto is the card where that is faster', async () => {
  card.there = true;
  expect(await chosen()).toBe('gpu webgl2');
});
