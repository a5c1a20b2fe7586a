/** How values lie in memory. */
import type { DType, Shape } from '../graph.js';
import { bytesPerElement, elementCount } from '../shape.js';

/**
 * - `plain`: row-major, as the graph has it.
 * - `channels`: float32 `[N, C, …]` with channels last: for every position of every sample, its channels side by side,
 *   positions `pitch` floats apart. The pitch is a multiple of 4; what lies between C and the pitch may be anything.
 */
export type Layout = 'plain' | 'channels';

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

/**
 * Bytes that a program gives a name to: one stretch of the arena, or a part of another storage. A part follows its
 * whole: a branch of a concatenation and all views of it move together.
 */
export class Storage {
  /** Steps that write or read it, first and last. */
  from = Infinity;
  to = -1;
  /** Whether what lies between the channels and the pitch is zero. */
  clean = false;
  #offset = 0;
  #pinned = false;
  #whole: { readonly storage: Storage; readonly distance: number } | undefined;
  readonly #pitch: number;

  /** @param pitch floats between positions, for channels-last values */
  constructor(
    readonly bytes: number,
    pitch: number,
  ) {
    this.#pitch = pitch;
  }

  /** Floats between positions, as the outermost whole has it; final only when all operations are there. */
  get pitch(): number {
    let pitch = this.#pitch;
    for (let at = this.#whole; at !== undefined; at = at.storage.#whole) pitch = at.storage.#pitch || pitch;
    return pitch;
  }

  /** Bytes from the start of the arena. */
  get offset(): number {
    let offset = this.root.#offset;
    for (let at = this.#whole; at !== undefined; at = at.storage.#whole) offset += at.distance;
    return offset;
  }

  set offset(bytes: number) {
    this.#offset = bytes;
  }

  /** The storage that has a place of its own. */
  get root(): Storage {
    let root: Storage = this;
    while (root.#whole !== undefined) root = root.#whole.storage;
    return root;
  }

  /** Whether a step relies on the pitch as it is: then it cannot move into a concatenation. */
  get pinned(): boolean {
    return this.#pinned;
  }

  set pinned(pinned: boolean) {
    this.#pinned = pinned;
    if (pinned)
      for (let at = this.#whole; at !== undefined; at = at.storage.#whole) at.storage.#pinned = true;
  }

  /** Whether it may become a part of another storage. */
  get movable(): boolean {
    return this.#whole === undefined && !this.#pinned && this.#pitch > 0;
  }

  /** Makes it a part of another storage, from a channel on. */
  moveInto(storage: Storage, firstChannel: number): void {
    this.#whole = { storage, distance: 4 * firstChannel };
    this.clean = false;
  }

  /**
   * A view from a channel on.
   *
   * @param pitch of the view where this storage is row-major
   */
  part(firstChannel: number, pitch = 0): Storage {
    const part = new Storage(this.bytes, pitch);
    part.moveInto(this, firstChannel);
    return part;
  }

  /** Notes that a step uses it. */
  use(step: number): void {
    const { root } = this;
    root.from = Math.min(root.from, step);
    root.to = Math.max(root.to, step);
  }
}

/** One value in one layout. Several values may share a storage: reshapes, and branches of a concatenation. */
export interface Value {
  readonly layout: Layout;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly storage: Storage;
}

/** Whether there is a channels-last layout for such a value. */
export const hasChannelsLayout = ({
  shape,
  dtype,
}: {
  readonly shape: Shape;
  readonly dtype: DType;
}): boolean => dtype === 'float32' && shape.length >= 3 && shape.length <= 5;

/** Samples times positions: rows of a channels-last value. */
export const positionsOf = (shape: Shape): number => elementCount(shape) / (shape[1] || 1);

export function makeValue(layout: Layout, shape: Shape, dtype: DType): Value {
  const pitch = layout === 'channels' ? roundUp(shape[1]!, 4) : 0;
  const bytes =
    layout === 'channels' ? positionsOf(shape) * pitch * 4 : elementCount(shape) * bytesPerElement[dtype];
  // Vectors may read up to 60 bytes beyond the last element.
  return { layout, shape, dtype, storage: new Storage(bytes + 64, pitch) };
}

/** The same bytes with another shape. */
export const sameBytes = (value: Value, shape: Shape): Value => ({ ...value, shape });

/**
 * A value in its other layout without moving a byte: one position of one sample lies alike in both. A row-major value
 * is read beyond its channels then, which its storage allows for.
 */
export function reinterpret(value: Value, layout: Layout): Value | undefined {
  if (!hasChannelsLayout(value) || positionsOf(value.shape) !== 1) return undefined;
  return { ...value, layout, storage: value.storage.part(0, roundUp(value.shape[1]!, 4)) };
}

/** A row-major value of one channel as channels-last with a pitch of 1: for steps that read no vectors of channels. */
export const singleChannel = (value: Value): Value => ({
  ...value,
  layout: 'channels',
  storage: value.storage.part(0, 1),
});

/** A place in memory, absolute or from the start of the arena. */
export interface Address {
  readonly arena: boolean;
  readonly offset: number;
}

export const absolute = (offset: number): Address => ({ arena: false, offset });

/** An address some bytes further on. */
export const plus = ({ arena, offset }: Address, bytes: number): Address => ({
  arena,
  offset: offset + bytes,
});

/** Where a value lies; only after memory was planned. */
export const addressOf = ({ storage }: Value): Address => ({ arena: true, offset: storage.offset });
