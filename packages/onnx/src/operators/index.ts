import type { OperatorTable } from '../operator.js';
import { activations } from './activations.js';
import { constants } from './constants.js';
import { convolution } from './convolution.js';
import { elementwise } from './elementwise.js';
import { gathering } from './gather.js';
import { layout } from './layout.js';
import { matrix } from './matrix.js';
import { normalization } from './normalization.js';
import { padding } from './padding.js';
import { pooling } from './pooling.js';
import { quantization } from './quantization.js';
import { reductions } from './reduction.js';
import { resizing } from './resize.js';

/** Every operator that is read. */
export const operators: OperatorTable = {
  ...convolution,
  ...normalization,
  ...pooling,
  ...activations,
  ...elementwise,
  ...reductions,
  ...matrix,
  ...resizing,
  ...layout,
  ...padding,
  ...gathering,
  ...constants,
  ...quantization,
};
