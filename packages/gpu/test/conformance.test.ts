import {
  catalogueConformance,
  goldenConformance,
  operationConformance,
  vitestFramework,
} from '@atrous/conformance';
import { openFolder } from '@atrous/conformance/node';
import { gpu } from '@atrous/gpu';
import { afterAll, describe, test } from 'vitest';

const framework = vitestFramework({ describe, test, afterAll });
const suite = await openFolder();
const options = {
  name: 'gpu (webasm)',
  createBackend: () => gpu({ mode: 'webasm' }),
  framework,
};

goldenConformance(suite, options);
operationConformance(options);
catalogueConformance(options);
