/**
 * Property tests draw the same examples in every run, so that a red build is red again. `SEED=random npm test`
 * explores; `SEED=747602828` repeats what a failure printed.
 */
import fc from 'fast-check';

const seed = globalThis.process?.env?.SEED;
if (seed !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed ?? 20260124) });
