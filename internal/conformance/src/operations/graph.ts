import * as atrous from '@atrous/core';
import { type OperationCase, one, x2d } from './case.js';

const { add, relu } = atrous;

export function graphCases(): OperationCase[] {
  return [
    one('the input itself', x2d, (x) => x, { tolerance: 0 }),
    one('an input in another shape', x2d, (x) => atrous.reshape(x, [42, 6]), { tolerance: 0 }),
    { name: 'a constant', inputs: [x2d], apply: () => atrous.tensor([1, 2, 3]), tolerance: 0 },
    {
      name: 'one value as two outputs, and an inner value',
      inputs: [x2d],
      apply: ([x]) => {
        const y = relu(x!);
        return [y, add(y, 1), y];
      },
      tolerance: 0,
    },
    { name: 'an input that is not used', inputs: [x2d, x2d], apply: ([x]) => relu(x!), tolerance: 0 },
    {
      name: 'one constant in two shapes',
      inputs: [x2d],
      apply: ([x]) => {
        const values = atrous.tensor([1, 2, 3, 4, 5, 6]);
        return [
          add(x!, values),
          add(atrous.slice(x!, { axes: [2], start: [1] }), atrous.reshape(values, [6, 1])),
        ];
      },
      tolerance: 0,
    },
    {
      name: 'a convolution of a constant by a constant',
      inputs: [x2d],
      apply: ([x]) => {
        const picture = atrous.tensor(
          Float32Array.from({ length: 54 }, (_, i) => Math.sin(i)),
          [1, 6, 3, 3],
        );
        const weight = atrous.tensor(
          Float32Array.from({ length: 18 }, (_, i) => Math.cos(i)),
          [3, 6, 1, 1],
        );
        return [atrous.conv2d(picture, weight), relu(x!), atrous.concat([picture, picture])];
      },
      sumLength: 6,
    },
  ];
}
