import { add, FormatError, OptionError, tensor, UnsupportedError } from '@atrous/core';
import { readSafetensors, writeSafetensors } from '@atrous/core/safetensors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** A file with this header and data, whatever they say. */
function file(header: unknown, data: Uint8Array | number[] = []): Uint8Array {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const bytes = new TextEncoder().encode(text);
  const out = new Uint8Array(8 + bytes.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(bytes.length), true);
  out.set(bytes, 8);
  out.set(data, 8 + bytes.length);
  return out;
}

const entry = (dtype: string, shape: unknown, from: number, to: number) => ({
  t: { dtype, shape, data_offsets: [from, to] },
});
const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const read = (bytes: Uint8Array) => Array.from(readSafetensors(bytes).tensors.t!.dataSync());

describe('reading', () => {
  test('what was written comes back, names, shapes, dtypes and metadata', () => {
    const tensors = {
      'conv.weight': tensor([
        [1, 2.5],
        [-3, 4],
      ]),
      mask: tensor(Uint8Array.of(1, 2, 3)),
      'conv.bias': tensor(Int32Array.of(7)),
      empty: tensor(new Float32Array(0), [0, 3]),
      scalar: tensor(4.5),
    };
    const written = writeSafetensors(tensors, { format: 'pt' });
    const { tensors: back, metadata } = readSafetensors(written);
    expect(metadata).toEqual({ format: 'pt' });
    expect(Object.keys(back).sort()).toEqual(Object.keys(tensors).sort());
    for (const [name, value] of Object.entries(tensors)) {
      expect([back[name]!.shape, back[name]!.dtype, back[name]!.name]).toEqual([
        value.shape,
        value.dtype,
        name,
      ]);
      expect(back[name]!.dataSync()).toEqual(value.dataSync());
    }
  });

  test('aligned float32 is not copied; a file at an odd address is', () => {
    const written = writeSafetensors({ a: tensor([1, 2]) });
    expect(readSafetensors(written).tensors.a!.dataSync().buffer).toBe(written.buffer);
    const odd = new Uint8Array(written.length + 1);
    odd.set(written, 1);
    expect([...readSafetensors(odd.subarray(1)).tensors.a!.dataSync()]).toEqual([1, 2]);
  });

  test.each([
    ['F64', Float64Array.of(0.1, -2), [Math.fround(0.1), -2]],
    [
      'F16',
      Uint16Array.of(0x3c00, 0xc000, 0x7c00, 0x0001, 0x3555),
      [1, -2, Infinity, 2 ** -24, 0.333251953125],
    ],
    ['BF16', Uint16Array.of(0x3f80, 0xc000, 0x7f80), [1, -2, Infinity]],
    ['I64', BigInt64Array.of(5n, -6n), [5, -6]],
    ['U32', Uint32Array.of(9), [9]],
    ['I16', Int16Array.of(-300), [-300]],
    ['U16', Uint16Array.of(65535), [65535]],
    ['I8', Int8Array.of(-1), [-1]],
    ['BOOL', Uint8Array.of(0, 1), [0, 1]],
  ] as const)('%s is converted', (dtype, values, expected) => {
    expect(read(file(entry(dtype, [values.length], 0, values.byteLength), bytesOf(values)))).toEqual(
      expected,
    );
  });

  const four = [0, 0, 0, 0];
  test.each([
    ['nothing', new Uint8Array(3), 'the file has 3 bytes, too few for a header'],
    [
      'a header longer than the file',
      file({}).slice(0, 9),
      'the header should have 2 bytes but the file has 9; it is truncated or no .safetensors file',
    ],
    [
      'a gigantic header',
      Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127, 0),
      'the header should have 9223372036854776000 bytes',
    ],
    ['no JSON', file('{'), 'the header is not JSON'],
    ['a list as header', file([]), 'the header must be a JSON object'],
    [
      'an unknown dtype',
      file(entry('F8_E4M3', [4], 0, 4), four),
      `tensor 't' has dtype "F8_E4M3"; possible are F32`,
    ],
    [
      'a dtype that every object has',
      file(entry('constructor', [4], 0, 4), four),
      'tensor \'t\' has dtype "constructor"',
    ],
    ['a negative size', file(entry('F32', [-1], 0, 4), four), "tensor 't' has the unusable shape [-1]"],
    [
      'a gigantic shape',
      file(entry('F32', [1e9, 1e9], 0, 4), four),
      "tensor 't' has the unusable shape [1000000000,1000000000]",
    ],
    [
      'offsets that do not fit the shape',
      file(entry('F32', [2], 0, 4), four),
      "tensor 't' F32 [2] needs 8 bytes but its offsets 0 to 4 span 4",
    ],
    [
      'truncated data',
      file(entry('F32', [2], 0, 8), four),
      "tensor 't' ends at byte 8 of the data but the file has 4; it is truncated",
    ],
    [
      'a gap',
      file(entry('U8', [2], 2, 4), four),
      "tensor 't' starts at byte 2 of the data but the one before ends at 0; tensors must neither overlap nor leave gaps",
    ],
    [
      'an overlap',
      file({ ...entry('U8', [3], 0, 3), s: { dtype: 'U8', shape: [2], data_offsets: [2, 4] } }, four),
      "tensor 's' starts at byte 2",
    ],
    ['bytes at the end', file(entry('U8', [2], 0, 2), four), '2 bytes follow the last tensor'],
    ['an entry that is none', file({ t: null }), "tensor 't' has dtype undefined"],
    ['metadata of numbers', file({ __metadata__: { a: 1 } }), '__metadata__ must be an object of strings'],
    [
      'an integer beyond int32',
      file(entry('I64', [1], 0, 8), bytesOf(BigInt64Array.of(2n ** 40n))),
      "tensor 't' holds 1099511627776 at index 0, which does not fit into int32",
    ],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(FormatError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  test('mutated files give tensors or a FormatError, nothing else', () => {
    const good = writeSafetensors({ a: tensor([1, 2, 3]), b: tensor(Uint8Array.of(9)) }, { x: 'y' });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }),
        fc.nat(good.length),
        (changes, length) => {
          const bad = good.slice(0, good.length - (length % 3 === 0 ? length : 0));
          for (const [at, value] of changes) if (at < bad.length) bad[at] = value;
          try {
            readSafetensors(bad);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('a tensor called __proto__ is a tensor', () => {
    const { tensors } = readSafetensors(
      file('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', [5]),
    );
    expect(Object.keys(tensors)).toEqual(['__proto__']);
  });
});

test('writing refuses what cannot be written', () => {
  expect(() => writeSafetensors({ a: add(tensor([1]), 1) })).toThrow(UnsupportedError);
  expect(() => writeSafetensors({ __metadata__: tensor([1]) })).toThrow(OptionError);
  expect(() => writeSafetensors({ a: [1] as never })).toThrow("writeSafetensors: 'a' is no tensor");
});
