import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test, vi } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
// Inside the project, so that vitest resolves the packages from source.
const folder = mkdtempSync(join(root, 'internal/conformance/test/.readme-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The network that the README calls deeplabv3.onnx. */
const trained = join(root, '../shared/models/networks/deeplabv3-mnv2-257.onnx');

const blocks = [
  ...readFileSync(join(root, 'README.md'), 'utf8').matchAll(
    /^## (.+?)\n(?:(?!^## )[\s\S])*?^```ts\n([\s\S]+?)^```/gm,
  ),
];

describe('the code of README.md runs', () => {
  test.for(blocks.map(([, title, code]) => [title!, code!] as const))(
    '%s',
    async ([title, code], { skip }) => {
      // a visible skip where the trained network is not at hand
      skip(code.includes('deeplabv3.onnx') && !existsSync(trained), 'no ../shared/models/networks');
      const file = join(folder, `${title.split(':')[0]!.replaceAll(', ', '-')}.ts`);
      writeFileSync(file, code.replace("'deeplabv3.onnx'", JSON.stringify(trained)));
      const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
      await import(file);
      expect(log).toHaveBeenCalled();
      log.mockRestore();
    },
  );

  test('for every package', () => {
    expect(blocks.map(([, title]) => title!.split(':')[0])).toEqual([
      'core',
      'rf',
      'blocks',
      'onnx, tflite',
      'tiling',
      'gpu',
    ]);
  });
});
