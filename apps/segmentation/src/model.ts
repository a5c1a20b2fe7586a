import { knownModel } from '@atrous/segment/models';

const water = knownModel('water').description.classes.findIndex(({ name }) => name === 'water');

/** The classes that a reference mask stands for: water where it is brighter than half. */
export const labelsOfMask = (gray: Uint8Array): Uint8Array =>
  gray.map((value) => (value > 127 ? water : 1 - water));
