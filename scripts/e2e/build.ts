import type { TestProject } from 'vitest/node';
import { buildApp } from '../build-app.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    buildError: string | undefined;
  }
}

/**
 * The end-to-end tests run what users run, the built app: it is built here, once. A failure must fail those tests
 * only, and an error thrown here would end the whole run.
 */
export default function setup(project: TestProject): void {
  project.provide('buildError', buildApp());
}
