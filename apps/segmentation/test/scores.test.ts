import { tensor } from '@atrous/core';
import { knownModel, logitsOf, luminance, type Picture, pictureInput, prepare } from '@atrous/segment/models';
import { describe, expect, test } from 'vitest';
import { classesOf } from '../src/cli/network.js';
import { labelsOfMask } from '../src/model.js';
import { openPictureFile } from '../src/node/picture-file.js';
import { Confusion, score } from '../src/scores.js';
import { fixture, water } from './fixtures.js';

describe('score', () => {
  test('counts intersections and unions', () => {
    const { iou, meanIou, accuracy } = score(Uint8Array.of(0, 0, 1, 1, 1), Uint8Array.of(0, 1, 1, 1, 0), 2);
    expect(iou).toEqual([1 / 3, 2 / 4]);
    expect(meanIou).toBeCloseTo(5 / 12, 12);
    expect(accuracy).toBe(3 / 5);
  });

  test('leaves out classes that are in neither picture', () => {
    const { iou, meanIou } = score(Uint8Array.of(0, 0), Uint8Array.of(0, 0), 2);
    expect(iou).toEqual([1, NaN]);
    expect(meanIou).toBe(1);
  });

  test('refuses pictures of different size', () => {
    expect(() => score(new Uint8Array(4), new Uint8Array(5), 2)).toThrow(/4 labels but 5 in the reference/);
  });
});

test('labels that are no class are left out', () => {
  const confusion = new Confusion(2);
  confusion.add(Uint8Array.of(0, 255, 1), Uint8Array.of(0, 255, 1));
  expect(confusion.scores()).toEqual({ iou: [1, 1], meanIou: 1, accuracy: 1 });
});

test('a reference mask is water where it is bright', () => {
  expect([...labelsOfMask(Uint8Array.of(0, 127, 128, 255))]).toEqual([0, 0, 1, 1]);
});

describe('the test area', () => {
  // longitudes −19.8 … 52.2, never trained on: these columns of the map, as one input
  const [from, to] = [240, 560];

  async function band(name: string): Promise<Picture> {
    const file = await openPictureFile(fixture(name), { maxMemory: 1e8 });
    const pixels = await file.pixels({ start: [0, from], size: [file.height, to - from] });
    await file.close();
    return pixels;
  }

  test('has the published scores: mIoU .917, water .927, land .907, accuracy .957', async () => {
    const { description } = knownModel('water');
    const network = logitsOf(water(), description);
    const prepared = prepare(await band('map_800_rgb.png'), pictureInput(description));
    const logits = network(tensor(prepared as Float32Array<ArrayBuffer>, [1, 1, 800, to - from]));
    const labels = (await classesOf(logits).data()) as Uint8Array;
    const truth = labelsOfMask(luminance(await band('map_800_mask.png')));
    const { iou, meanIou, accuracy } = score(labels, truth, 2);
    expect(meanIou).toBeCloseTo(0.91668, 4);
    expect(iou[0]).toBeCloseTo(0.90675, 4);
    expect(iou[1]).toBeCloseTo(0.92662, 4);
    expect(accuracy).toBeCloseTo(0.95718, 4);
  });
});
