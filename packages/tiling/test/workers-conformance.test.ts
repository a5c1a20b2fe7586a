import { operationConformance, vitestFramework } from '@atrous/conformance';
import { afterAll, describe, test } from 'vitest';
import { workerBackend } from '../src/workers/index.js';

// golden data would check the engine once more; this checks that every graph and value crosses the border
operationConformance({
  name: 'cpu in a worker',
  createBackend: () => workerBackend(),
  framework: vitestFramework({ describe, test, afterAll }),
});
