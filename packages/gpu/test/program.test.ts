import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { openWebasm } from '../src/adapter/webasm.js';
import { backendOn } from '../src/backend.js';
import type { Device } from '../src/device.js';
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
  /** V8 gives a buffer back some time after the collection that found it unused, so it takes several. */
  const held = async () => {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 5; i++) {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      least = Math.min(least, heapUsed + arrayBuffers);
      await setTimeout(20);
    }
    return least;
  };
  const backend = backendOn(openWebasm() as unknown as Device);
  const program = await backend.compile(graphOf());
  const run = async (times: number) => {
    for (let i = 0; i < times; i++) await program.run([picture()]);
  };
  await run(50);
  const first = await held();
  await run(500);
  // A run works on a few hundred kilobytes: one array kept by each would be megabytes.
  await expect.poll(async () => (await held()) - first, { interval: 100, timeout: 30_000 }).toBeLessThan(1e6);
  await backend.dispose();
});
