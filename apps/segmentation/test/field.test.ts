import { knownModel, logitsOf } from '@atrous/segment/models';
import { expect, test } from 'vitest';
import { fieldOf } from '../src/cli/field.js';
import { water } from './fixtures.js';

// upsampling by 157 / 40 instead of 4 must not change what is reported
test.each([
  [64, 48],
  [157, 203],
  [8, 9],
])('the field of the water network, traced for %i×%i', (height, width) => {
  const logits = logitsOf(water(), knownModel('water').description);
  // stem 7, then rates 1,2,3,1,2,3 on a grid of 4: 7 + 8·12; the rate 12 branch adds 96, bilinear upsampling 4
  expect(fieldOf({ logits }, [1, 1, height, width])).toEqual({
    bounded: false,
    size: [203, 203],
    coverage: 1,
  });
});
