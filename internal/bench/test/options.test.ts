import { expect, test } from 'vitest';
import { parseOptions } from '../src/options.js';

test('defaults: all peers, the running Node', () => {
  const options = parseOptions([], {});
  expect(options.peers).toContain('onnxruntime-node');
  expect(options.nodes).toEqual(['current']);
  expect(options.threads[0]).toBe(1);
});

test('--gpu', () => {
  expect(parseOptions([]).gpu).toBe(false);
  expect(parseOptions(['--gpu']).gpu).toBe(true);
});

test('--tiling', () => {
  expect(parseOptions([]).tiling).toBe(false);
  expect(parseOptions(['--tiling', '--only', '2000'])).toMatchObject({ tiling: true, only: ['2000'] });
});

test('lists are split at commas', () => {
  const options = parseOptions(
    ['--threads', '1,2', '--peers', 'tfjs-wasm,gpu.js', '--node', '26,current'],
    {},
  );
  expect(options.threads).toEqual([1, 2]);
  expect(options.peers).toEqual(['tfjs-wasm', 'gpu.js']);
  expect(options.nodes).toEqual(['26', 'current']);
});

test('BENCH_NODE is the default of --node', () => {
  expect(parseOptions([], { BENCH_NODE: '/a/node' }).nodes).toEqual(['/a/node']);
});

test('none is no peer; unknown names and numbers of threads are refused', () => {
  expect(parseOptions(['--peers', 'none'], {}).peers).toEqual([]);
  expect(() => parseOptions(['--peers', 'torch'], {})).toThrow(/no torch; there are tfjs-wasm/);
  expect(() => parseOptions(['--threads', '0'], {})).toThrow(/--threads/);
});
