import type { TestFramework } from './suite.js';

/** The parts of vitest's API that are used; pass its own `describe`, `test` and `afterAll`. */
export interface VitestApi {
  describe(title: string, body: () => void): unknown;
  test(title: string, body: (context: { skip(note?: string): void }) => Promise<void>): unknown;
  afterAll(body: () => Promise<void>): unknown;
}

/** Vitest as the suite's test framework. Results are printed with console.log. */
export const vitestFramework = ({ describe, test, afterAll }: VitestApi): TestFramework => ({
  describe: (title, body) => void describe(title, body),
  test: (title, body) =>
    void test(title, async (context) => {
      const skipped = await body();
      if (skipped !== undefined) context.skip(skipped);
    }),
  afterAll: (body) => void afterAll(body),
  report: (line) => console.log(line),
});
