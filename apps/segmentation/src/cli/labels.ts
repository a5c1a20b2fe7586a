import { FormatError } from '@atrous/core';
import { palette, type SegmentationClass } from '@atrous/segment/models';

/**
 * Names of classes, one a line, in the order of the network's outputs; a colour such as `#1f78b4` may follow. Classes
 * without one take theirs from a palette that colour-blind people can tell apart.
 *
 * @param name stands in messages
 * @throws FormatError if there are not `count` of them
 */
export function parseLabels(text: string, count: number, name: string): SegmentationClass[] {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length !== count)
    throw new FormatError(
      `${name}: has ${lines.length} classes and the model has ${count}; write one a line, in the order of its outputs`,
      { lines: lines.length, classes: count },
    );
  return lines.map((line, index) => {
    const [, label, hex] = /^(.*?)(?:[\s,;]+#([0-9a-f]{6}))?$/i.exec(line)!;
    if (!label) throw new FormatError(`${name}: line ${index + 1} is a colour without a name`, { line });
    return { name: label, color: hex === undefined ? palette(index) : colourOf(hex) };
  });
}

function colourOf(hex: string): SegmentationClass['color'] {
  const value = Number.parseInt(hex, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
