import type { OperatorTable } from '../operator.js';
import { convolutions } from './convolution.js';
import { elementwise } from './elementwise.js';
import { layouts } from './layout.js';
import { positions } from './positions.js';

/** Every operator that is read, by the format's name. */
export const operators: OperatorTable = { ...convolutions, ...elementwise, ...layouts, ...positions };
