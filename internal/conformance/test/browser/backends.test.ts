import {
  catalogueConformance,
  goldenConformance,
  openUrl,
  operationConformance,
  vitestFramework,
} from '@atrous/conformance';
import { cpu } from '@atrous/core';
import { afterAll, describe, expect, test } from 'vitest';
import address from '../../golden/cases.json?url';

const suite = await openUrl(new URL('.', new URL(address, location.href)));

// What Node 20 does not have: kernels with fused multiply-add.
const options = {
  name: 'cpu in Chromium',
  createBackend: () => cpu({ threads: 2 }),
  framework: vitestFramework({ describe, test, afterAll }),
};
goldenConformance(suite, options);
operationConformance(options);
catalogueConformance(options);

test('the page is isolated and has fused multiply-add', async () => {
  const backend = await cpu({ threads: 2 });
  expect(backend.info).toMatchObject({ threads: 2, kernels: 'WebAssembly SIMD with fused multiply-add' });
  await backend.dispose();
});
