import { openFolder } from '@atrous/conformance/node';
import { describe, expect, it, vi } from 'vitest';
// @ts-expect-error: examples are plain JavaScript
import { dilateResnet } from '../../../examples/dilate-resnet.mjs';
// @ts-expect-error: examples are plain JavaScript
import { run } from '../../../examples/load-pytorch-weights.mjs';

describe('examples', () => {
  it('load-pytorch-weights gives what PyTorch gives', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    const suite = await openFolder();
    const golden = suite.cases.find(({ params }) => params.module === 'seed_aspp')!;
    const { input } = suite.tensors(golden, 'input');
    const { output } = suite.tensors(golden, 'output');
    const weights = new URL(
      '../../../internal/conformance/golden/weights/seed_aspp.safetensors',
      import.meta.url,
    );
    const y = await run(weights, input!);
    expect(log.mock.calls[0]![0]).toContain('37 × 37 without global layers');
    log.mockRestore();
    expect(y.shape).toEqual(output!.shape);
    const [got, want] = [y.dataSync(), output!.dataSync()];
    for (let i = 0; i < want.length; i++)
      expect(Math.abs(got[i]! - want[i]!)).toBeLessThanOrEqual(
        golden.atol + golden.rtol * Math.abs(want[i]!),
      );
  });

  it('dilate-resnet keeps the field of 427 and makes the map finer', () => {
    const { before, after, network } = dilateResnet();
    expect(before.field?.size).toEqual([427, 427]);
    expect(after.field?.size).toEqual([427, 427]);
    expect([before.field?.stride, after.field?.stride]).toEqual([
      [32, 32],
      [8, 8],
    ]);
    expect([before.outputs[0]?.shape, after.outputs[0]?.shape]).toEqual([
      [1, 2048, 17, 17],
      [1, 2048, 65, 65],
    ]);
    expect(after.parameters).toEqual(before.parameters);
    expect(network.outputs[0]?.shape).toEqual([1, 21, 513, 513]);
  });
});
