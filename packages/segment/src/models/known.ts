import { OptionError } from '@atrous/core';
import type { KnownModel, SegmentationClass } from './description.js';
import { palette } from './palette.js';
import { water } from './water.js';

const vocClasses: readonly SegmentationClass[] = [
  'background',
  'aeroplane',
  'bicycle',
  'bird',
  'boat',
  'bottle',
  'bus',
  'car',
  'cat',
  'chair',
  'cow',
  'dining table',
  'dog',
  'horse',
  'motorbike',
  'person',
  'potted plant',
  'sheep',
  'sofa',
  'train',
  'tv monitor',
].map((name, index) => ({ name, color: palette(index) }));

const deeplab: KnownModel = {
  description: {
    name: 'deeplabv3-mobilenetv2',
    title: 'DeepLabV3 with MobileNetV2, Pascal VOC',
    input: {
      kind: 'picture',
      channels: 'rgb',
      scale: 1 / 127.5,
      mean: [1, 1, 1],
      std: [1, 1, 1],
      size: [257, 257],
    },
    classes: vocClasses,
    notes: ['Photographs; 20 kinds of things of the Pascal VOC challenge and background, seen at 257×257.'],
    licence: 'Apache-2.0',
  },
  file: {
    format: 'tflite',
    urls: [
      new URL(
        'https://storage.googleapis.com/download.tensorflow.org/models/tflite/gpu/deeplabv3_257_mv_gpu.tflite',
      ),
    ],
    bytes: 2_779_264,
    sha256: '68a539782c2c6a72f8aac3724600124a85ed977162b44e84cbae5db717c933c6',
    shipped: false,
  },
};

/** The models that are known by name, the shipped one first. */
export const knownModels: readonly KnownModel[] = [water, deeplab];

/** @throws OptionError naming the models that there are */
export function knownModel(name: string): KnownModel {
  const found = knownModels.find(({ description }) => description.name === name);
  if (found) return found;
  const names = knownModels.map(({ description }) => description.name);
  throw new OptionError(`no model is called ${name}; known are ${names.join(', ')}`, { name, known: names });
}
