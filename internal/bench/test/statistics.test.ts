import { describe, expect, test } from 'vitest';
import { geometricMean, median } from '../src/statistics.js';

describe('median', () => {
  test('is the middle value, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([7])).toBe(7);
  });

  test('of an even number is the mean of the two in the middle', () => {
    expect(median([4, 1, 3, 100])).toBe(3.5);
  });

  test('leaves its argument as it was', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('geometricMean', () => {
  test('a ratio and its inverse cancel out', () => {
    expect(geometricMean([4, 1 / 4])).toBeCloseTo(1);
    expect(geometricMean([2, 8])).toBeCloseTo(4);
  });

  test('of nothing is not a number', () => {
    expect(geometricMean([])).toBeNaN();
  });
});
