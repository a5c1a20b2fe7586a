import type { BackendReport } from '@atrous/segment';
import type { Outcome } from './comparison.js';

/** Sides of the square picture that is segmented. */
export const sides = [128, 256, 512] as const;

export type Side = (typeof sides)[number];

/** What the view shows, all of it. */
export interface State {
  readonly side: Side;
  /** Which backends work here; undefined while they are being tried. */
  readonly reports: readonly BackendReport[] | undefined;
  /** By contestant. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
  /** Side of the picture that they were measured on. */
  readonly measuredSide: Side | undefined;
  /** Undefined when nothing runs. */
  readonly work: { readonly stage: string; readonly fraction: number } | undefined;
  /** What happened last. */
  readonly message: string;
}

export const initialState: State = {
  side: 256,
  reports: undefined,
  outcomes: {},
  measuredSide: undefined,
  work: undefined,
  message: '',
};

/** What the person can do. */
export interface Actions {
  run(): void;
  cancel(): void;
  setSide(side: Side): void;
}
