import type { TestProject } from 'vitest/node';
import { build } from '../build-app.mjs';

/** The tests of the built @atrous/segment need it built; as in build.ts, a failure fails those tests only. */
export default function setup(project: TestProject): void {
  project.provide('buildError', build('@atrous/segment'));
}
