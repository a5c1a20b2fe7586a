import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rollup } from 'vite';
import { describe, expect, test } from 'vitest';

const source = (name: string) => fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url));

/** What a page downloads for some names of an entry: bundled, minified, compressed. */
async function bundle(names: string, entry = 'index'): Promise<{ code: string; size: number }> {
  const id = 'names-of-the-entry';
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    plugins: [
      {
        name: 'entry',
        resolveId: (asked) => (asked.endsWith(id) ? id : undefined),
        load: (asked) => (asked === id ? `export ${names} from ${JSON.stringify(source(entry))}` : undefined),
      },
    ],
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      rollupOptions: { input: id, preserveEntrySignatures: 'strict', output: { format: 'es', minify: true } },
    },
  });
  const [output] = (Array.isArray(result) ? result : [result]) as Rollup.RollupOutput[];
  const { code } = output!.output[0];
  return { code, size: gzipSync(code, { level: 9 }).length };
}

describe('size', () => {
  test('the library is at most 12 kB gzip, with everything it exports', async () => {
    const { code, size } = await bundle('*');
    expect(size).toBeLessThanOrEqual(12_000);
    expect(code).not.toMatch(/from\s*["']|import\(|require\(/);
  });

  test.each([
    ['{ needed, period }', 6_500],
    ['{ holeTest }', 6_500],
    ['{ effectiveKernel }', 600],
  ])('%s alone is at most %i bytes: what is not imported is not bundled', async (names, most) => {
    expect((await bundle(names)).size).toBeLessThanOrEqual(most);
  });

  test.each(['influence', 'design', 'report', 'figures'])(
    '@atrous/rf/%s imports nothing from Node',
    async (entry) => {
      expect((await bundle('*', entry)).code).not.toMatch(/["']node:|from\s*["']|require\(/);
    },
  );
});
