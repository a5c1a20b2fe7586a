import type { Measurement } from './measure.js';
import { type Plan, plans, withGaps } from './plans.js';

export interface ShownPicture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly pixels: ImageBitmap;
}

/** Which map of a network is shown: a channel, or the one that measuring suggests. */
export type Channel = number | 'first';

/** The middle of the enlarged window, in cells. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** What the view shows, all of it. */
export interface State {
  /** Name of the sample that is chosen; undefined for a picture that the person opened. */
  readonly sample: string | undefined;
  readonly picture: ShownPicture | undefined;
  readonly measured: Readonly<Partial<Record<Plan['id'], Measurement>>>;
  readonly channels: Readonly<Record<Plan['id'], Channel>>;
  /** Undefined until one is chosen: where the pattern of rates 2, 2, 2 is strongest. */
  readonly place: Place | undefined;
  /** Undefined when nothing runs. */
  readonly work: { readonly stage: string; readonly fraction: number } | undefined;
  /** What happened last. */
  readonly message: string;
  /** A file is being dragged over the page. */
  readonly dragging: boolean;
}

export const initialState: State = {
  sample: undefined,
  picture: undefined,
  measured: {},
  channels: { rate1: 'first', same2: 'first', hdc123: 'first' },
  place: undefined,
  work: undefined,
  message: '',
  dragging: false,
};

/** What the person can do. */
export interface Actions {
  open(file: Blob, name: string): void;
  openSample(name: string): void;
  measureAgain(): void;
  cancel(): void;
  setChannel(plan: Plan['id'], channel: Channel): void;
  setPlace(place: Place | undefined): void;
}

/** Whether every network has been measured. */
export const complete = ({ measured }: State): boolean => plans.every(({ id }) => measured[id]);

/** The channel of a network that is shown. */
export function channelOf({ channels }: State, plan: Plan['id'], { first }: Measurement): number {
  const channel = channels[plan];
  return channel === 'first' ? first : channel;
}

/** The side of the enlarged window, in cells. */
export const zoomSide = 24;

/** The first cell of the enlarged window in each direction, so that it lies inside the map. */
export function zoomOf(
  state: State,
  { height, width }: Pick<Measurement, 'height' | 'width'>,
): { readonly left: number; readonly top: number } {
  const { x, y } = placeOf(state) ?? { x: width / 2, y: height / 2 };
  const start = (middle: number, size: number) =>
    Math.min(Math.max(Math.round(middle - zoomSide / 2), 0), size - zoomSide);
  return { left: start(x, width), top: start(y, height) };
}

/** Where the window is: where the person has put it, or where the network with gaps shows most. */
export const placeOf = ({ place, measured }: State): Place | undefined => place ?? measured[withGaps]?.place;
