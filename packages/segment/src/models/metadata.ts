/** Descriptions that files carry, and what can be inferred where they carry none. */
import { FormatError, input, UnsupportedError } from '@atrous/core';
import type { Model, ModelValue } from '@atrous/core/model';
import * as v from 'valibot';
import type { ModelDescription, PictureInput, SegmentationClass } from './description.js';
import { palette } from './palette.js';

/** The key of a file's metadata (`metadata_props` in ONNX) that holds its ModelDescription as JSON. */
export const metadataKey = 'atrous.segmentation';

/** Labels have 8 bits. */
const mostClasses = 256;

const text = v.pipe(v.string(), v.nonEmpty('is empty'));
const finite = v.pipe(v.number(), v.finite('is not finite'));
const length = v.pipe(v.number(), v.integer('is no integer'), v.minValue(1, 'is less than 1'));
const byte = v.pipe(
  v.number(),
  v.integer('is no integer'),
  v.minValue(0, 'is less than 0'),
  v.maxValue(255, 'is more than 255'),
);

const schema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z0-9-]+$/, 'may have lower-case letters, digits and hyphens only')),
  title: text,
  input: v.variant('kind', [
    v.strictObject({
      kind: v.literal('picture'),
      name: v.optional(text),
      channels: v.picklist(['rgb', 'luminance']),
      scale: finite,
      mean: v.array(finite),
      std: v.array(v.pipe(finite, v.notValue(0, 'must not be 0'))),
      size: v.optional(v.strictTuple([length, length])),
      minimum: v.optional(length),
    }),
    v.strictObject({
      kind: v.literal('volume'),
      name: v.optional(text),
      conform: v.strictObject({ size: length, spacing: v.pipe(finite, v.gtValue(0, 'must be above 0')) }),
      normalisation: v.picklist(['minimum-maximum', 'quantiles']),
    }),
  ]),
  output: v.optional(text),
  classes: v.pipe(
    v.array(v.strictObject({ name: text, color: v.optional(v.strictTuple([byte, byte, byte])) })),
    v.minLength(1, 'is empty'),
    v.maxLength(mostClasses, `has more than ${mostClasses} classes`),
  ),
  notes: v.optional(v.array(text), []),
  licence: v.optional(text),
});

/**
 * Checks a description, strictly: JSON text or a value. Classes without a colour get one of the palette.
 *
 * @param what stands in messages
 * @throws FormatError naming the field
 */
export function parseDescription(value: unknown, what = 'description'): ModelDescription {
  const refuse = (field: string, reason: string): never => {
    throw new FormatError(`${what}: ${field}${field && ' '}${reason}`, { what, field, reason });
  };
  let content = value;
  if (typeof value === 'string')
    try {
      content = JSON.parse(value);
    } catch (error) {
      refuse('', `is no JSON (${(error as Error).message})`);
    }
  const { success, output, issues } = v.safeParse(schema, content);
  if (!success) {
    const [{ message, path }] = issues;
    return refuse(path?.map(({ key }) => String(key)).join('.') ?? '', message);
  }
  const { input } = output;
  if (input.kind === 'picture')
    for (const key of ['mean', 'std'] as const) {
      const channels = input.channels === 'rgb' ? 3 : 1;
      if (input[key].length !== channels)
        refuse(`input.${key}`, `has ${input[key].length} numbers, and ${input.channels} needs ${channels}`);
    }
  const classes = output.classes.map(({ name, color }, i) => ({ name, color: color ?? palette(i) }));
  return { ...output, classes };
}

/**
 * The description that a file carries under `atrous.segmentation`, or what can be inferred: channels, size and number of
 * classes from shapes, names of classes from the metadata's `labels`, a JSON list. How bytes become numbers cannot be
 * inferred; the notes say what is assumed.
 *
 * @throws FormatError for a description that is damaged; UnsupportedError for a network that does not take one picture
 */
export function describeModel(model: Model): ModelDescription {
  const { metadata } = model;
  const carried = metadata[metadataKey];
  if (carried !== undefined) return parseDescription(carried, metadataKey);
  const from = onlyPicture(model.inputs);
  const [, channels, ...size] = from.shape as [unknown, 1 | 3, number | string, number | string];
  const fixed = size.every((side) => typeof side === 'number') ? (size as [number, number]) : undefined;
  const to = model.outputs[0]!;
  if (to.shape && to.shape.length !== 4)
    throw unsuitable(`output ${to.name} is [${to.shape.join(', ')}]; logits are [N, classes, H, W]`);
  const stated = to.shape?.[1];
  const count = typeof stated === 'number' ? stated : tracedClasses(model, from, to, channels, fixed);
  if (count === undefined) throw unsuitable(`output ${to.name} has no channels`);
  const color = channels === 3;
  const title = metadata.name || 'A network without description';
  return parseDescription(
    {
      name:
        title
          .toLowerCase()
          .replace(/[^a-z0-9]+/g, '-')
          .replace(/^-|-$/g, '') || 'network',
      title,
      input: {
        kind: 'picture',
        name: from.name,
        ...(color ? imageNet : plain),
        ...(fixed && { size: fixed }),
      },
      output: to.name,
      classes: classesOf(count, metadata.labels),
      notes: [
        color
          ? 'The file does not say how pictures become numbers; assumed is what ImageNet has: bytes / 255, less mean .485 .456 .406, by deviation .229 .224 .225.'
          : 'The file does not say how pictures become numbers; assumed is luminance / 255.',
        ...(model.outputs.length > 1
          ? [`Of the outputs ${model.outputs.map(({ name }) => name).join(', ')} the first is taken.`]
          : []),
      ],
      ...(metadata.licence && { licence: metadata.licence }),
    },
    'inferred description',
  );
}

type Numbers = Pick<PictureInput, 'channels' | 'scale' | 'mean' | 'std'>;
const imageNet: Numbers = {
  channels: 'rgb',
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};
const plain: Numbers = { channels: 'luminance', scale: 1 / 255, mean: [0], std: [1] };

const unsuitable = (reason: string): UnsupportedError =>
  new UnsupportedError(`this network cannot be described without help: ${reason}; give a description`, {
    reason,
  });

function onlyPicture(inputs: readonly ModelValue[]): ModelValue {
  const [from, ...others] = inputs;
  if (!from || others.length > 0)
    throw unsuitable(`it has ${inputs.length} inputs (${inputs.map(({ name }) => name).join(', ')})`);
  const { name, shape } = from;
  if (shape?.length !== 4 || (shape[1] !== 1 && shape[1] !== 3))
    throw unsuitable(
      `input ${name} is [${shape?.join(', ') ?? 'of any shape'}]; pictures are [N, C, H, W] with 1 or 3 channels`,
    );
  return from;
}

/** Where the file does not state the output's shape, tracing tells. */
function tracedClasses(
  model: Model,
  from: ModelValue,
  to: ModelValue,
  channels: number,
  size: readonly number[] = [256, 256],
): number | undefined {
  return model({ [from.name]: input([1, channels, ...size]) })[to.name]?.shape[1];
}

/** Names from the file if it has as many, otherwise numbers. */
function classesOf(count: number, labels: string | undefined): readonly SegmentationClass[] {
  const names = namesIn(labels);
  return Array.from({ length: count }, (_, i) => ({
    name: names?.length === count ? names[i]! : `class ${i}`,
    color: palette(i),
  }));
}

function namesIn(labels: string | undefined): readonly string[] | undefined {
  try {
    return v.parse(v.array(text), JSON.parse(labels ?? 'null'));
  } catch {
    return undefined;
  }
}
