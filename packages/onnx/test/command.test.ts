import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FormatError } from '@atrous/core';
import { afterAll, describe, expect, test } from 'vitest';
import { help } from '../src/command/help.js';
import { main } from '../src/command/main.js';
import { readNpy, writeNpy } from '../src/command/npy.js';
import { modelBytes, node, smallNetwork, valueInfo } from './build.js';

const folder = mkdtempSync(join(tmpdir(), 'atrous-onnx-'));
afterAll(() => rmSync(folder, { recursive: true }));

const path = (name: string) => join(folder, name);
function put(name: string, bytes: Uint8Array): string {
  writeFileSync(path(name), bytes);
  return path(name);
}
const command = (...args: string[]) => main(args, '1.2.3');

const small = put('small.onnx', smallNetwork());
const image = put(
  'image.npy',
  writeNpy({ shape: [1, 2, 8, 8], data: Float32Array.from({ length: 128 }, (_, i) => Math.cos(i)) }),
);
const two = put(
  'two.onnx',
  modelBytes({
    input: [valueInfo('left', ['n']), valueInfo('right', ['n'])],
    node: [node('Sub', ['left', 'right'], ['difference']), node('Add', ['left', 'right'], ['a/sum'])],
    output: [valueInfo('difference'), valueInfo('a/sum')],
  }),
);
const vector = (name: string, ...values: number[]) =>
  put(name, writeNpy({ shape: [values.length], data: Float32Array.from(values) }));

const npyOf = (descr: string, fortran: boolean, shape: string, data: ArrayBufferView) => {
  const header = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape}), }\n`;
  const head = Uint8Array.from(`\x93NUMPY\x01\x00${String.fromCharCode(header.length, 0)}${header}`, (c) =>
    c.charCodeAt(0),
  );
  return Buffer.concat([head, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
};

describe('.npy', () => {
  test.each<[string, ArrayBufferView, number[]]>([
    ['<f4', Float32Array.of(1.5, -2), [1.5, -2]],
    ['<f8', Float64Array.of(1.5, -2), [1.5, -2]],
    ['<f2', Uint16Array.of(0x3e00, 0xc000), [1.5, -2]],
    ['<i8', BigInt64Array.of(-3n, 4n), [-3, 4]],
    ['<i4', Int32Array.of(-3, 4), [-3, 4]],
    ['>i2', Uint8Array.of(255, 253, 0, 4), [-3, 4]],
    ['|u1', Uint8Array.of(255, 4), [255, 4]],
    ['|b1', Uint8Array.of(1, 0), [1, 0]],
  ])('%s', (descr, data, wanted) => {
    const { shape, data: read } = readNpy(npyOf(descr, false, '2,', data), 'x.npy');
    expect(shape).toEqual([2]);
    expect([...read]).toEqual(wanted);
  });

  test('Fortran order is turned into rows', () => {
    // element [i, j, k] is 100 i + 10 j + k, the first axis moving fastest
    const values = [];
    for (let k = 0; k < 2; k++)
      for (let j = 0; j < 3; j++) for (let i = 0; i < 2; i++) values.push(100 * i + 10 * j + k);
    const { data } = readNpy(npyOf('<i4', true, '2, 3, 2', Int32Array.from(values)), 'x.npy');
    expect([...data]).toEqual([0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121]);
  });

  test('what is written is read again, and starts at a multiple of 64', () => {
    for (const data of [Float32Array.of(1, 2.5), Int32Array.of(-1, 7), Uint8Array.of(3, 255)])
      for (const shape of [[2], [1, 2], [2, 1, 1]]) {
        const bytes = writeNpy({ shape, data });
        expect((bytes.length - data.byteLength) % 64).toBe(0);
        expect(readNpy(bytes, 'x')).toEqual({ shape, data });
      }
    const scalar = writeNpy({ shape: [], data: Float32Array.of(4) });
    expect(readNpy(scalar, 'x').shape).toEqual([]);
  });

  test.each<[string, Uint8Array, string]>([
    ['something else', new TextEncoder().encode('not numpy at all'), 'x.npy: this is no .npy file'],
    [
      'too short',
      npyOf('<f4', false, '3,', Float32Array.of(1)),
      '[3] of f4 takes 12 bytes but the file has 4',
    ],
    ['a gigantic shape', npyOf('<f4', false, '9999999999,', Float32Array.of(1)), 'but the file has 4'],
    ['complex numbers', npyOf('<c8', false, '1,', Float32Array.of(1, 2)), 'elements of type c8 are not read'],
    [
      'integers beyond 32 bits',
      npyOf('<i8', false, '1,', BigInt64Array.of(2n ** 40n)),
      'does not fit into 32 bits',
    ],
    [
      'a header that is cut off',
      writeNpy({ shape: [1], data: Float32Array.of(1) }).subarray(0, 40),
      'is cut off',
    ],
  ])('refused: %s', (_, bytes, message) => {
    expect(() => readNpy(bytes, 'x.npy')).toThrow(message);
    expect(() => readNpy(bytes, 'x.npy')).toThrow(FormatError);
  });
});

describe('atrous-onnx run', () => {
  test('on cpu and reference, one input, the first output', async () => {
    const results = [];
    for (const backend of ['cpu', 'reference']) {
      const target = path(`${backend}.npy`);
      const { code, output } = await command(
        'run',
        small,
        '--input',
        image,
        '--output',
        target,
        '--backend',
        backend,
      );
      expect(code).toBe(0);
      expect(output).toContain(`logits: float32 [1, 3, 8, 8] in ${target}`);
      results.push(readNpy(readFileSync(target), backend));
    }
    const [cpu, reference] = results;
    expect(cpu!.shape).toEqual([1, 3, 8, 8]);
    cpu!.data.forEach((value, i) => {
      expect(value).toBeCloseTo(reference!.data[i]!, 4);
    });
  });

  test('several inputs by name, every output into a folder', async () => {
    const [left, right] = [vector('left.npy', 5, 7), vector('right.npy', 2, 3)];
    const out = path('results/');
    const { code } = await command(
      'run',
      two,
      '--input',
      `right=${right}`,
      '--input',
      `left=${left}`,
      '--output',
      out,
    );
    expect(code).toBe(0);
    expect([...readNpy(readFileSync(join(out, 'difference.npy')), '').data]).toEqual([3, 4]);
    expect([...readNpy(readFileSync(join(out, 'a_sum.npy')), '').data]).toEqual([7, 10]);
    const sum = path('sum.npy');
    await command(
      'run',
      two,
      '--input',
      `right=${right}`,
      '--input',
      `left=${left}`,
      '--output',
      `a/sum=${sum}`,
    );
    expect([...readNpy(readFileSync(sum), '').data]).toEqual([7, 10]);
  });

  test('--profile and --json, --threads', async () => {
    const args = ['run', small, '--input', image, '--output', path('p.npy'), '--threads', '1', '--profile'];
    expect((await command(...args)).output).toMatch(/step +algorithm +ms +million macs/);
    const report = JSON.parse((await command(...args, '--json')).output) as Record<string, unknown>;
    expect(report).toMatchObject({ backend: 'cpu', info: { threads: 1 }, written: [{ name: 'logits' }] });
    expect(report.macs).toBe(3 * 16 * 18 + 3 * 16 * 27);
  });
});

describe('atrous-onnx inspect', () => {
  test('a network, its cost and its field', async () => {
    const { code, output } = await command('inspect', small);
    expect(code).toBe(0);
    for (const part of [
      'operators   Slice 4',
      'parameters  145',
      'dilations   1 (1), 2 (1) (convolutions)',
      'Everything in this file is supported.',
      'logits: float [batch, 3, 8, 8], here [1, 3, 8, 8]',
    ])
      expect(output).toContain(part);
    const json = JSON.parse((await command('inspect', small, '--json', '--shape', '4,2,8,8')).output) as {
      outputs: Record<string, number[]>;
      cost: { macs: number };
      report: { field: { size: number[] } };
    };
    expect(json.outputs.logits).toEqual([4, 3, 8, 8]);
    expect(json.cost.macs).toBe(4 * (3 * 16 * 18 + 3 * 16 * 27));
    expect((await command('inspect', small, '--layers')).output).toMatch(/layer +kernel +stride +dilation/);
  });

  test('what is unsupported, of files that do not load', async () => {
    const bad = put(
      'bad.onnx',
      modelBytes({
        input: [valueInfo('x', [1])],
        node: [
          node('If', ['x'], ['a'], {}, { name: 'branch' }),
          node('LSTM', ['a'], ['y'], {}, { name: 'memory' }),
        ],
        output: [valueInfo('y')],
      }),
    );
    const { code, output } = await command('inspect', bad);
    expect(code).toBe(0);
    expect(output).toContain('Not supported:\n• branch (If): operator If');
    expect(output).toContain('• memory (LSTM): operator LSTM');
    expect((await command('inspect', bad, '--check')).code).toBe(1);
    expect(JSON.parse((await command('inspect', bad, '--json')).output)).toMatchObject({
      unsupported: [{ at: 'branch (If)' }, { at: 'memory (LSTM)' }],
    });
    const run = await command('run', bad, '--input', image, '--output', path('no.npy'));
    expect(run).toMatchObject({ code: 1, output: '' });
    expect(run.error).toContain('2 things in this file are not supported');
  });

  test('open sizes are asked for', async () => {
    expect((await command('inspect', two)).output).toContain('Everything in this file is supported.');
    const open = put(
      'open.onnx',
      modelBytes({
        input: [valueInfo('x', ['n', 3, 'h', 'w'])],
        node: [node('Relu', ['x'], ['y'])],
        output: [valueInfo('y')],
      }),
    );
    expect((await command('inspect', open)).output).toContain('give numbers: --shape x=1,3,h,w');
    expect((await command('inspect', open, '--shape', 'x=1,3,9,9')).output).toContain('field');
  });
});

describe('usage', () => {
  test('--help, --version, nothing', async () => {
    expect(await command('--help')).toEqual({ code: 0, output: help, error: '' });
    expect(await command('run', '-h')).toMatchObject({ output: help });
    expect((await command('--version')).output).toBe('1.2.3');
    expect(await command()).toEqual({ code: 2, output: '', error: help });
  });

  test.each<[string, string[], string]>([
    ['an unknown command', ['walk'], 'the first word is run or inspect, not "walk"'],
    ['no file', ['run'], 'there is no file'],
    ['two files', ['inspect', small, small], 'takes one file'],
    ['an unknown option', ['run', small, '--nonsense'], "unknown option '--nonsense'"],
    ['no input', ['run', small, '--output', 'y.npy'], '--input image=image.npy'],
    [
      'an input of another name',
      ['run', small, '--input', 'x=a.npy', '--output', 'y.npy'],
      'the network has no "x" but image',
    ],
    [
      'an input twice',
      ['run', small, '--input', 'a.npy', '--input', 'b.npy', '--output', 'y.npy'],
      'image is given twice',
    ],
    ['no output', ['run', small, '--input', image], '--output is missing'],
    [
      'one file for two outputs',
      ['run', small, '--input', image, '--output', 'logits=y', '--output', 'flat=y'],
      'two outputs would go into one file',
    ],
    [
      'an unknown backend',
      ['run', small, '--input', image, '--output', 'y', '--backend', 'abacus'],
      'cpu or gpu or reference, not "abacus"',
    ],
    [
      'threads that are none',
      ['run', small, '--input', image, '--output', 'y', '--threads', '0'],
      '--threads takes a positive integer',
    ],
    ['a shape that is none', ['inspect', small, '--shape', 'image=1,-2'], '--shape takes sizes such as'],
    [
      'an output that is none',
      ['inspect', small, '--output', 'ghost'],
      'the network has no "ghost" but logits, flat',
    ],
  ])('exit code 2 for %s', async (_, args, message) => {
    const { code, output, error } = await command(...args);
    expect({ code, output }).toEqual({ code: 2, output: '' });
    expect(error).toContain(message);
    expect(error).toContain('atrous-onnx --help');
  });

  test.each<[string, string[], string]>([
    ['a file that is not there', ['inspect', path('nothing.onnx')], 'cannot open'],
    ['a file that is no model', ['inspect', image], 'not an ONNX'],
    [
      'an input that is not there',
      ['run', small, '--input', path('no.npy'), '--output', path('y.npy')],
      'ENOENT',
    ],
    [
      'an input of another size',
      ['run', small, '--input', vector('v.npy', 1), '--output', path('y.npy')],
      'input image is float32 [1]',
    ],
  ])('exit code 1 for %s', async (_, args, message) => {
    const { code, error } = await command(...args);
    expect(code).toBe(1);
    expect(error).toContain(message);
    expect(error).not.toMatch(/\n +at /);
    expect(existsSync(path('y.npy'))).toBe(false);
  });
});
