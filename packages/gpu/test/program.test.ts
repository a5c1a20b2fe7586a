import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { openWebasm } from '../src/adapter/webasm.js';
import type { Device } from '../src/device.js';
import { backendOn } from '../src/gpu.js';
import { graphOf, picture, programBehaviour } from './behaviour.js';
import { concatenationBehaviour } from './concatenation.js';

programBehaviour('webasm', () => openWebasm() as unknown as Device);
concatenationBehaviour('webasm', () => openWebasm() as unknown as Device);
// Builds every kernel again in every run, which takes its time.
programBehaviour(
  'webasm with room for one kernel',
  () => openWebasm({ kernelMemory: 1 }) as unknown as Device,
  { runs: 50 },
);

test('500 runs leave nothing in the heap', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const backend = backendOn(openWebasm() as unknown as Device);
  const program = await backend.compile(graphOf());
  const run = async (times: number) => {
    for (let i = 0; i < times; i++) await program.run([picture()]);
  };
  await run(50);
  const first = held();
  await run(500);
  // A run works on a few hundred kilobytes: one array kept by each would be megabytes.
  expect(held() - first).toBeLessThan(1e6);
  await backend.dispose();
});
