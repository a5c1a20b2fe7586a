import { OptionError } from '@atrous/core';
import type { Schedule } from './analysis.js';
import { readStack } from './stack.js';

/** The two schedules that may be shown beside each other. */
export const sides = ['a', 'b'] as const;
export type Side = (typeof sides)[number];

/** A pixel of the picture. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** What a link to this view carries. */
export interface Address {
  readonly a: Schedule;
  readonly b?: Schedule;
  /** The output looked at. Default: the middle of the picture. */
  readonly point?: Point;
}

/** Shown when a link says nothing: the schedule with holes that everybody meets first. */
export const initial: Address = { a: { layers: '3d2 x3', axes: 2 } };

/** Positions beyond this are no pixels of any picture that is opened. */
const largestPosition = 100_000;

/**
 * Reads a link. What cannot be read is left out and told about, one error each.
 */
export function readAddress(parameters: URLSearchParams): {
  readonly address: Address;
  readonly problems: readonly Error[];
} {
  const problems: Error[] = [];
  const scheduleOf = (side: Side): Schedule | undefined => {
    const axes = parameters.has(`${side}1d`) ? 1 : 2;
    const layers = parameters.get(axes === 1 ? `${side}1d` : side);
    if (layers === null) return undefined;
    try {
      readStack(layers, axes);
      return { layers, axes };
    } catch (error) {
      const { message } = error as Error;
      const name = side.toUpperCase();
      problems.push(new OptionError(`schedule ${name} of this link cannot be read: ${message}`, { layers }));
      return undefined;
    }
  };
  const [a, b] = sides.map(scheduleOf);
  const point = pointOf(parameters, problems);
  return {
    address: { a: a ?? initial.a, ...(b && { b }), ...(point && { point }) },
    problems,
  };
}

function pointOf(parameters: URLSearchParams, problems: Error[]): Point | undefined {
  if (!parameters.has('x') && !parameters.has('y')) return undefined;
  const [x, y] = ['x', 'y'].map((name) => Number(parameters.get(name) || Number.NaN));
  if ([x, y].every((value) => Number.isInteger(value) && value! >= 0 && value! <= largestPosition))
    return { x: x!, y: y! };
  problems.push(
    new OptionError('the position in this link is no pixel: x and y are whole numbers from 0', {
      x: parameters.get('x'),
      y: parameters.get('y'),
    }),
  );
  return undefined;
}

/** Writes what `readAddress` reads. */
export function writeAddress({ a, b, point }: Address): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [side, schedule] of Object.entries({ a, b }))
    if (schedule) parameters.set(schedule.axes === 1 ? `${side}1d` : side, schedule.layers);
  if (point) {
    parameters.set('x', `${point.x}`);
    parameters.set('y', `${point.y}`);
  }
  return parameters;
}
