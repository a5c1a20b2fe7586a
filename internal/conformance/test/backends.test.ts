import {
  catalogueConformance,
  goldenConformance,
  operationConformance,
  vitestFramework,
} from '@atrous/conformance';
import { openFolder } from '@atrous/conformance/node';
import { cpu, reference } from '@atrous/core';
import { afterAll, describe, test } from 'vitest';

const framework = vitestFramework({ describe, test, afterAll });
const suite = await openFolder();

for (const [name, createBackend] of Object.entries({
  reference: async () => reference(),
  cpu: () => cpu({ threads: 1 }),
  'cpu, 2 threads': () => cpu({ threads: 2 }),
})) {
  goldenConformance(suite, { name, createBackend, framework });
  operationConformance({ name, createBackend, framework });
  catalogueConformance({ name, createBackend, framework });
}
