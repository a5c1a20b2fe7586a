import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { help } from '../src/command/help.js';
import { run } from '../src/command/run.js';
import { toGraph } from '../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'rf-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rf = (...args: string[]) => run(args, '1.2.3');

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('rf', () => {
  test('3x3d1 3x3d2 3x3d5', () => {
    const { code, output } = rf('3x3d1', '3x3d2', '3x3d5');
    expect(code).toBe(0);
    expect(output).toContain('conv 3     3×3     1×1       5×5        5  17×17     1     −8');
    expect(output).toContain('• No holes: all 289 inputs of the field are read.');
  });

  test('"3x3 d2 x3" --compare "3x3 d1,2,3"', () => {
    const { code, output } = rf('3x3 d2 x3', '--compare', '3x3 d1,2,3');
    expect(code).toBe(0);
    expect(output).toMatch(/^ +3x3 d2 x3 +3x3 d1,2,3\n/);
    expect(output).toMatch(/coverage +29 % \(49 of 169\) +100 % \(169 of 169\)\n/);
  });

  test('search --kernel 3 --layers 4 --field 31', () => {
    const { code, output } = rf('search', '--kernel', '3', '--layers', '4', '--field', '31');
    expect(code).toBe(0);
    expect(output).toMatch(/1, 1, 3, 10 +31 +0.970 +1 … 3 +36 +36\n/);
    expect(output).toContain('10 of 11 schedules without holes.');
    expect(rf('search', '--layers', '3', '--field', '24')).toMatchObject({
      code: 1,
      output: 'No schedule without holes has this field.',
    });
    expect(
      rf('search', '--kernel', '3,2,3', '--field', '9-15', '--stride', '2,1,1', '--limit', 'all').output,
    ).toContain('strides');
  });

  test('repair, convert, tradeoffs', () => {
    expect(rf('repair', '2,2,2')).toMatchObject({
      code: 0,
      output: expect.stringContaining('1, 2, 2   field 11 instead of 13'),
    });
    expect(rf('repair', '2,2,2', '--keep-field').output).toContain('1, 2, 3   field 13 as before');
    expect(rf('repair', '1', '2', '5').output).toBe('1, 2, 5 has no holes (field 17).');
    expect(rf('repair', '4', '--keep-field')).toMatchObject({ code: 1 });
    const converted = rf('convert', '7x7s2 max3x3s2 3x3s2 3x3', '--output-stride', '4');
    expect(converted.output).toContain('Output stride 8×8 → 4×4, field 35×35 as before.');
    expect(converted.output).toContain('conv 4        3×3     1×1       2×2');
    expect(rf('tradeoffs', '--field', '31').output).toMatch(
      /dilation 1, 1, 3, 10 +4 +31×31 +256×256 +147,456/,
    );
  });

  test('halo', () => {
    const { output } = rf('halo', '( 3x3 3x3d2 ) x4', '--tile', '64');
    expect(output).toMatch(/0 +12 +12 +1 +1\n/);
    expect(output).toContain('Tiles of 64 read every input 1.891 times on average.');
    expect(rf('halo', '3x3 [ 1x1 | global ]').output).toContain(
      'Exact, but by more than a halo:\n• globalPool 3 reads the whole map',
    );
    expect(rf('halo', '[ 3x3s2 | 1x1 ] 3x3').output).toMatch(
      /Not exact as it stands:\n• .* joins paths of different stride/,
    );
  });

  test('files: a list, layers with a size, a graph', () => {
    const layers = [
      { kernel: 3, padding: 1 },
      { kernel: 3, dilation: 2, padding: 2 },
    ];
    expect(rf(file('list.json', layers)).output).toContain('7×7');
    expect(rf(file('sized.json', { layers, inputSize: 40 })).output).toContain('40×40');
    expect(rf(file('graph.json', toGraph(layers))).output).toContain('7×7');
    expect(rf(file('sized.json', { layers, inputSize: 40 }), '--input-size', '20x30').output).toContain(
      '20×30',
    );
  });

  test('--json, --markdown, --ndim, --input-size', () => {
    expect(JSON.parse(rf('3', '--ndim', '1', '--json').output)).toMatchObject({
      ndim: 1,
      field: { size: [3] },
    });
    expect(Object.keys(JSON.parse(rf('3', '--compare', '5', '--json').output) as object)).toEqual(['3', '5']);
    expect(rf('3', '--markdown').output).toContain('|---|');
    expect(rf('3x3d36', '--input-size', '33').output).toContain('on this map it is a 1×1 convolution');
    expect(JSON.parse(rf('search', '--layers', '2', '--field', '9', '--json').output)).toMatchObject({
      complete: true,
    });
    expect(JSON.parse(rf('halo', '3', '--json', '--tile', '8').output)).toMatchObject({
      exact: true,
      overhead: 1.5625,
    });
    expect(JSON.parse(rf('repair', '2,2,2', '--json').output)).toMatchObject({ rates: [1, 2, 2] });
    expect(JSON.parse(rf('tradeoffs', '--field', '9', '--json').output)).toHaveLength(5);
    expect(JSON.parse(rf('convert', '3s2 3', '--output-stride', '1', '--json').output)).toMatchObject({
      layers: [{ stride: 1 }, { dilation: 2 }],
    });
  });

  test.each(['coverage', 'growth', 'paths'])('--svg with --figure %s', (figure) => {
    const path = join(folder, `${figure}.svg`);
    expect(rf('3x3 d1,2,5', '--svg', path, '--figure', figure)).toMatchObject({
      code: 0,
      error: `wrote ${path}`,
    });
    expect(readFileSync(path, 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
  });

  test('--check fails on holes', () => {
    expect(rf('3x3 d2 x3', '--check').code).toBe(1);
    expect(rf('3x3 d1,2,3', '--check').code).toBe(0);
    expect(rf('3x3 d1,2,3', '--compare', '3x3 d2 x3', '--check').code).toBe(1);
  });

  test('--help with examples, --version, no arguments', () => {
    expect(rf('--help')).toEqual({ code: 0, output: help, error: '' });
    expect(rf('search', '-h').output).toBe(help);
    expect(help).toContain('examples\n  rf 3x3d1 3x3d2 3x3d5');
    expect(rf('--version').output).toBe('1.2.3');
    expect(rf()).toEqual({ code: 2, output: '', error: help });
  });

  test.each<[string, string[], string]>([
    ['a word that cannot be read', ['3x3', '3y3d2'], 'cannot read "3y3d2"'],
    ['an unknown option', ['3x3', '--nonsense'], "unknown option '--nonsense'"],
    [
      'an option of another command',
      ['3x3', '--kernel', '3'],
      "unknown option '--kernel' for a report; it belongs to search, repair, tradeoffs",
    ],
    ['a missing option', ['search', '--layers', '3'], '--field is missing, for example --field 31'],
    [
      'a range that is none',
      ['search', '--layers', '2-', '--field', '9'],
      '--layers takes a number or a range such as 2-5, not "2-"',
    ],
    [
      'a size that is none',
      ['3x3', '--input-size', 'large'],
      '--input-size takes a size such as 33 or 33x65, not "large"',
    ],
    ['a number that is none', ['3x3', '--ndim', '0'], '--ndim takes a positive integer, not "0"'],
    [
      'a choice that is none',
      ['3x3', '--svg', 'x.svg', '--figure', 'pie'],
      '--figure takes coverage or growth or paths, not "pie"',
    ],
    ['a figure without a file', ['3x3', '--figure', 'growth'], '--figure needs --svg out.svg'],
    ['two formats', ['3x3', '--json', '--markdown'], '--json and --markdown exclude each other'],
    ['rates that are none', ['repair', '2;2'], 'repair takes the rates, for example 2,2,2, not "2;2"'],
    ['a command that is not first', ['--json', 'search'], 'the command comes first: rf search'],
    ['words after search', ['search', '3x3'], 'search takes options only, not "3x3"'],
    ['no layers', ['--json'], 'there are no layers, for example: rf 3x3d1 3x3d2 3x3d5'],
    ['an option without its value', ['3x3', '--svg'], "option '--svg <value>' argument missing"],
    [
      'a growth figure of two',
      ['3x3', '--compare', '5x5', '--svg', 'x.svg', '--figure', 'growth'],
      '--figure growth draws one network',
    ],
  ])('exit code 2 for %s', (_, args, message) => {
    const { code, output, error } = rf(...args);
    expect({ code, output }).toEqual({ code: 2, output: '' });
    expect(error).toContain(message);
    expect(error).toContain('rf --help shows how it is used');
  });

  test('points at the wrong word', () => {
    expect(rf('3x3', '3y3d2', '3x3').error).toContain('\n  3x3 3y3d2 3x3\n      ^^^^^\n');
    expect(rf('3x3', '--compare', '1x1 q').error).toContain('\n  1x1 q\n      ^\n');
  });

  test.each<[string, () => string[], string]>([
    ['a file that is not there', () => [join(folder, 'nothing.json')], 'there is no such file'],
    ['a file that is no JSON', () => [file('broken.json', '[{')], 'broken.json is no JSON'],
    ['a file with something else', () => [file('number.json', '7')], 'must hold a list of layers'],
    [
      'layers that make no sense',
      () => [file('zero.json', [{ kernel: 3, dilation: 0, name: 'conv3' }])],
      'layer 0 ("conv3"): dilation must be a positive integer but is 0 (kernel 3)',
    ],
    [
      'a key that would be ignored',
      () => [file('typo.json', [{ kernel: 3, rate: 2 }])],
      'a layer has no "rate"',
    ],
    ['a map that is too small', () => ['5x5p0', '--input-size', '3'], 'does not fit'],
    ['a graph for convert', () => ['convert', '3s3', '--output-stride', '2'], 'which cannot be cut at 2'],
    ['a folder that is not there', () => ['3x3', '--svg', join(folder, 'no', 'where.svg')], 'ENOENT'],
  ])('exit code 1 for %s', (_, args, message) => {
    const { code, error } = rf(...args());
    expect(code).toBe(1);
    expect(error).toContain(message);
    expect(error.split('\n')).toHaveLength(1);
  });
});
