import { expect, test } from 'vitest';
// @ts-expect-error: examples are plain JavaScript
import { show } from '../../onnx/page.js';
import { expected, sampled } from '../onnx.js';

test('the page computes what PyTorch computed, and draws it', async () => {
  const [canvas, output] = [document.createElement('canvas'), document.createElement('output')];
  [canvas.width, canvas.height] = [80, 48];
  const logits = await show(canvas, output);
  for (const [i, value] of sampled(logits.dataSync()).entries())
    expect(value).toBeCloseTo(expected.logits[i]!, 4);
  expect(output.textContent).toContain('webasm: Tensor float32 [1, 3, 48, 80]');
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, 80, 48);
  expect([...data.slice(0, 4)]).toEqual([0, 0, 0, 255]);
});
