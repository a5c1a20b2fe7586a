export { catalogueConformance } from './catalogue.js';
export {
  errorRatio,
  type GoldenCase,
  type GoldenSuite,
  type GoldenTensor,
  openSuite,
  openUrl,
  type ReadFile,
} from './golden.js';
export type { InputSpec, OperationCase } from './operations/case.js';
export { operationCases, operationConformance } from './operations.js';
export {
  blockConformance,
  type ConformanceOptions,
  expectClose,
  goldenConformance,
  type TestFramework,
} from './suite.js';
export { type VitestApi, vitestFramework } from './vitest.js';
