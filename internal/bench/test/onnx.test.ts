import { describe, expect, test } from 'vitest';
import { checkAgreement, expect as expected } from '../src/agreement.js';
import { Unsupported } from '../src/contestant.js';
import { onnxruntimeWeb } from '../src/contestants/onnxruntime-web.js';
import { loadPeer } from '../src/load-peer.js';
import { Message } from '../src/onnx/protobuf.js';
import { makeProblem } from '../src/problem.js';

const hex = (message: Message) => Buffer.from(message.encode()).toString('hex');

describe('protobuf', () => {
  // the examples of the encoding's own documentation
  test('integers, texts and messages are those of the documentation', () => {
    expect(hex(new Message().integer(1, 150))).toBe('089601');
    expect(hex(new Message().text(2, 'testing'))).toBe('120774657374696e67');
    expect(hex(new Message().message(3, new Message().integer(1, 150)))).toBe('1a03089601');
    expect(hex(new Message().integers(6, [3, 270, 86942]))).toBe('3206038e029ea705');
  });

  test('integers above 32 bits are whole', () => {
    expect(hex(new Message().integer(1, 2 ** 35))).toBe('08808080808001');
  });

  test('negative and fractional integers are refused', () => {
    expect(() => new Message().integer(1, -1)).toThrow(RangeError);
    expect(() => new Message().integer(1, 0.5)).toThrow(RangeError);
  });
});

// npm run bench installs it; without it these are reported as skipped
const installed = loadPeer('onnxruntime-web') !== undefined;

describe.skipIf(!installed)(
  'models in onnxruntime-web (skipped where npm run bench has not installed it)',
  () => {
    test.each([
      {
        id: 'stride with dilation',
        inChannels: 3,
        outChannels: 5,
        size: [9, 11],
        kernel: 3,
        dilation: 2,
        stride: 2,
      },
      { id: 'depthwise', inChannels: 6, outChannels: 6, groups: 6, size: [9, 9], kernel: 3, dilation: 2 },
      {
        id: 'causal',
        inChannels: 4,
        outChannels: 4,
        size: [40],
        kernel: 2,
        dilation: 8,
        padding: 'causal' as const,
      },
      { id: 'three axes', inChannels: 2, outChannels: 3, size: [6, 7, 8], kernel: 3, dilation: 2 },
      { id: 'ASPP', network: 'aspp' as const, inChannels: 8, size: [13, 13] },
      { id: 'water', network: 'water' as const, inChannels: 1, size: [32, 40] },
    ])('$id agrees with float64', async (workload) => {
      const problem = await makeProblem(workload);
      const engine = await onnxruntimeWeb.make(1);
      if (engine instanceof Unsupported) throw new Error(engine.reason);
      const prepared = await engine.prepare(problem);
      if (prepared instanceof Unsupported) throw new Error(prepared.reason);
      await prepared.run();
      expect(checkAgreement(expected(problem), await prepared.output())).toBeLessThan(1e-5);
      await prepared.dispose();
    });
  },
);
