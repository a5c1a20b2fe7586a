import {
  catalogueConformance,
  goldenConformance,
  operationConformance,
  vitestFramework,
} from '@atrous/conformance';
import { gpu, type Mode } from '@atrous/gpu';
import { afterAll, describe, test } from 'vitest';
import { openGolden } from './golden.js';

const framework = vitestFramework({ describe, test, afterAll });
const suite = await openGolden();
const modes = new Map((await gpu.modes()).map((report) => [report.mode, report]));

for (const mode of ['webgl2', 'webgpu'] as const satisfies readonly Mode[]) {
  const { available, reason } = modes.get(mode)!;
  const options = { name: `gpu (${mode})`, createBackend: () => gpu({ mode }), framework };
  if (available) {
    goldenConformance(suite, options);
    operationConformance(options);
    catalogueConformance(options);
  } else test.skip(`gpu (${mode}): ${reason}`);
}
