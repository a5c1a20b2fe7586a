import { expose } from 'comlink';
import { afterEach, expect, test, vi } from 'vitest';
import { Measurer } from '../src/page/gridding/measurer.js';

afterEach(() => vi.unstubAllGlobals());

test('progress that comes after the answer is not reported', async () => {
  const measured = { peakRatio: 1 };
  const late: Promise<unknown>[] = [];
  vi.stubGlobal('Worker', function answeringWorker() {
    const { port1, port2 } = new MessageChannel();
    const measure = (_plan: string, onProgress: (fraction: number) => Promise<void>) => {
      late.push(onProgress(0.5));
      setTimeout(() => late.push(onProgress(1)), 50);
      return measured;
    };
    expose({ measure }, port1);
    return Object.assign(port2, { terminate: () => port1.close() });
  });
  const measurer = new Measurer();
  const reported: number[] = [];
  const { signal } = new AbortController();
  const events = { signal, onProgress: (fraction: number) => void reported.push(fraction) };
  expect(await measurer.measure('rate1', events)).toEqual(measured);
  const before = [...reported];
  await vi.waitFor(() => expect(late).toHaveLength(2));
  await Promise.all(late);
  expect(reported).toEqual(before);
  measurer.dispose();
});
