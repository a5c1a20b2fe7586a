import { luminance } from '@atrous/segment/models';
import { describe, expect, test } from 'vitest';
import { fixture, readPng } from './fixtures.js';
import { readNpy } from './npy.js';

const pixel = (...rgba: number[]) => luminance({ width: 1, height: 1, data: Uint8Array.from(rgba) })[0];

describe('luminance', () => {
  test('of the golden picture is the golden luminance', () => {
    const picture = readPng(fixture('east-africa_256_rgb.png'));
    const golden = readNpy(fixture('golden_lum_u8.npy'));
    expect([picture.height, picture.width]).toEqual(golden.shape);
    const gray = luminance(picture);
    // exact halves are rounded either way by the floating-point sum behind the golden data; nothing else may differ
    const halves: number[] = [];
    gray.forEach((value, i) => {
      const [r, g, b] = picture.data.subarray(4 * i, 4 * i + 3);
      if ((299 * r! + 587 * g! + 114 * b!) % 1000 === 500) halves.push(value - golden.data[i]!);
      else expect(value).toBe(golden.data[i]);
    });
    expect(halves.length).toBeLessThan(50);
    expect(halves.filter((difference) => difference !== 0).length).toBeLessThanOrEqual(2);
    expect(Math.max(...halves.map(Math.abs))).toBeLessThanOrEqual(1);
  });

  test('weighs the channels, rounds halves to even, puts transparency on black', () => {
    expect(pixel(255, 255, 255, 255)).toBe(255);
    expect(pixel(100, 0, 0, 255)).toBe(30);
    expect(pixel(0, 100, 0, 255)).toBe(59);
    expect(pixel(0, 0, 100, 255)).toBe(11);
    expect(pixel(93, 71, 44, 255)).toBe(74); // 74.5
    expect(pixel(104, 82, 55, 255)).toBe(86); // 85.5
    expect(pixel(255, 255, 255, 0)).toBe(0);
    expect(pixel(200, 200, 200, 51)).toBe(40);
  });
});
