import { compile, input, zeros } from '@atrous/core';
import type { Context } from './context.js';
import type { Network } from './network.js';

/** What one step of the program takes. */
export interface StepProfile {
  readonly name: string;
  readonly algorithm: string;
  readonly macs: number;
  /** Median over the runs. */
  readonly milliseconds: number;
}

/** Runs that a profile takes; the first few are slow while the JavaScript engine still compiles. */
const warmUps = 3;
const runs = 9;

/** Times every step of the network on one input of this shape: a tile with its halo. */
export async function profileSteps(
  { logits }: Network,
  shape: readonly number[],
  maxMemory: number,
  { backend, signal }: Pick<Context, 'backend' | 'signal'>,
): Promise<StepProfile[]> {
  const compiled = await compile(logits, input(shape), { backend, maxMemory, signal });
  const { steps } = compiled.program;
  const times: number[][] = steps.map(() => []);
  const blank = zeros(shape);
  try {
    for (let run = 0; run < warmUps + runs; run++)
      await compiled.run(blank, {
        signal,
        onStep: (index, milliseconds) => {
          if (run >= warmUps) times[index]!.push(milliseconds);
        },
      });
  } finally {
    compiled.dispose();
  }
  return steps.map(({ name, algorithm, macs }, i) => ({
    name,
    algorithm,
    macs,
    milliseconds: times[i]!.sort((a, b) => a - b)[runs >> 1]!,
  }));
}

/** The profile as a table; GFLOP/s count two operations per multiply-accumulate, padding included. */
export function profileLines(profile: readonly StepProfile[]): string[] {
  const total = profile.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const macs = profile.reduce((sum, step) => sum + step.macs, 0);
  const widest = Math.max(...profile.map(({ name }) => name.length));
  const algorithms = Math.max(...profile.map(({ algorithm }) => algorithm.length));
  const line = (name: string, algorithm: string, milliseconds: number, work: number) =>
    `  ${name.padEnd(widest)}  ${algorithm.padEnd(algorithms)}  ${milliseconds.toFixed(2).padStart(8)} ms${work > 0 ? `${((2 * work) / milliseconds / 1e6).toFixed(1).padStart(8)} GFLOP/s` : ''}`;
  return [
    `steps, median of ${runs} runs after the first`,
    ...profile.map((step) => line(step.name, step.algorithm, step.milliseconds, step.macs)),
    line('all', '', total, macs),
  ];
}
