import type { SegmentationClass } from './description.js';

/**
 * Eight colours that people with any common colour blindness can tell apart (Okabe and Ito, Color Universal Design,
 * 2008), black first for the background.
 */
const distinct = [0x000000, 0xe69f00, 0x56b4e9, 0x009e73, 0xf0e442, 0x0072b2, 0xd55e00, 0xcc79a7];

/**
 * The colour of a class. From the eighth on the colours come again, lighter and darker in turn: no palette of that size
 * is told apart by colour alone, which is why legends name the classes.
 */
export function palette(index: number): SegmentationClass['color'] {
  const round = Math.floor(index / distinct.length);
  const value = distinct[index % distinct.length]!;
  const toward = round % 2 === 1 ? 255 : 0;
  const part = round === 0 ? 0 : Math.min(0.25 + 0.2 * Math.ceil(round / 2), 0.8);
  const channel = (byte: number) => Math.round(byte + (toward - byte) * part);
  return [channel(value >> 16), channel((value >> 8) & 255), channel(value & 255)];
}
