import { existsSync, readdirSync, writeSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

interface Options {
  /** Folders of browser tests that cannot run here, for want of a browser. */
  skipped: string[];
}

/** Closes the output with `N passed, N failed, N skipped`, alone on the very last line. */
export default class ClosingReporter implements Reporter {
  readonly #skipped: string[];
  #count = { passed: 0, failed: 0, skipped: 0, pending: 0 };

  constructor({ skipped }: Options) {
    this.#skipped = skipped.flatMap(testFiles);
  }

  onInit(): void {
    process.once('exit', (code) => this.#close(code));
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      const states = [...module.children.allTests()].map((test) => test.result().state);
      for (const state of states) count[state]++;
      // a file or a hook that throws is a failure even if no test of it failed
      if (!module.ok() && !states.includes('failed')) count.failed++;
    }
    this.#count = count;
  }

  #close(code: number): void {
    const { passed, skipped } = this.#count;
    // a test that never ran did not pass, and a run that ends badly has a failure, whatever was counted
    const failed = this.#count.failed + this.#count.pending || Number(code !== 0);
    if (this.#skipped.length) {
      print('skipped: browser tests (no Chromium found; set CHROMIUM or install it)');
      for (const file of this.#skipped) print(`  ${file}`);
    }
    print(`${passed} passed, ${failed} failed, ${skipped + this.#skipped.length} skipped`);
  }
}

function print(line: string): void {
  writeSync(1, `${line}\n`);
}

function testFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => `${folder}/${file}`);
}
