import { readFileSync } from 'node:fs';
import { type Backend, compile, FormatError, input, tensor } from '@atrous/core';
import { readSafetensors, writeSafetensors } from '@atrous/core/safetensors';
import {
  knownModel,
  pictureInput,
  prepare,
  startBackend,
  waterModel,
  waterNet,
  waterParameters,
} from '@atrous/segment/models';
import { describe, expect, test } from 'vitest';
import { fixture, largestDifference, water } from './fixtures.js';
import { readNpy } from './npy.js';

const model = water();

/** What the network is given for luminance bytes. */
function prepared(luminance: ArrayLike<number>): Float32Array {
  const data = new Uint8Array(4 * luminance.length);
  for (let i = 0; i < luminance.length; i++)
    data.set([luminance[i]!, luminance[i]!, luminance[i]!, 255], 4 * i);
  return prepare({ width: luminance.length, height: 1, data }, pictureInput(knownModel('water').description));
}

async function largestError(backend: Backend, name: string): Promise<number> {
  const { shape, data } = readNpy(fixture(`${name}_lum_u8.npy`));
  const expected = readNpy(fixture(`${name}_logits.npy`)).data;
  const size = [1, 1, ...shape];
  const program = await compile((image) => model({ image }).logits!, input(size), { backend });
  const logits = await (await program.run(tensor(prepared(data), size))).data();
  return largestDifference(logits, expected);
}

test('prepare gives the golden input', () => {
  const { data } = readNpy(fixture('golden_lum_u8.npy'));
  const expected = readNpy(fixture('golden_input.npy')).data;
  expect(largestDifference(prepared(data), expected)).toBeLessThan(5e-7);
});

describe('logits of PyTorch', () => {
  // measured: 1.5e-5, 8.6e-6 and 4.5e-6
  test.each([
    ['cpu', 'golden', 1e-4],
    ['cpu', 'golden_odd', 1e-4],
    ['reference', 'golden_odd', 1e-5],
  ] as const)('%s reproduces %s to %s', async (name, golden, tolerance) => {
    expect(await largestError(await startBackend({ name }), golden)).toBeLessThan(tolerance);
  });
});

describe('strict loading', () => {
  const file = readFileSync(knownModel('water').file.urls[0]!);

  test('has 95,762 trained numbers, as the file says', () => {
    const trained = Object.values(waterNet.parameters).filter(({ trained }) => trained);
    expect(trained.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(95_762);
    expect(waterParameters).toBe(95_762);
  });

  test('lists what is missing and what is unexpected', () => {
    const { tensors } = readSafetensors(file);
    const { 'head.bias': bias, ...rest } = tensors;
    const other = writeSafetensors({ ...rest, 'head.offset': bias! });
    expect(() => waterModel(other)).toThrow(
      /1 missing, 1 unexpected.*missing: head\.bias.*unexpected: head\.offset/s,
    );
  });

  test('refuses a truncated file', () => {
    expect(() => waterModel(file.subarray(0, file.length - 100))).toThrow(FormatError);
  });
});
