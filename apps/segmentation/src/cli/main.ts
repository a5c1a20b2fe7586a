import { type Backend, FormatError } from '@atrous/core';
import { startBackend } from '@atrous/segment/models';
import { version } from '../../package.json';
import { describeBackend } from '../describe-backend.js';
import type { Context } from './context.js';
import { CancelledError, explain, UsageError, WaitingError } from './errors.js';
import { findInputs, type Input } from './inputs.js';
import { openNetwork } from './network.js';
import { type Options, parseOptions } from './options.js';
import { pictureJob } from './picture-job.js';
import { type Progress, type ProgressStream, progressOn } from './progress.js';
import { headText, type InputReport, reportText } from './report.js';
import { volumeJob } from './volume-job.js';

export interface Surroundings {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: ProgressStream;
  /** Cancels the run; its reason is the name of the signal. */
  readonly signal: AbortSignal;
}

/** How a run can end. 75 is EX_TEMPFAIL of sysexits.h, by which schedulers know that trying again helps. */
export const exitCodes = { done: 0, failed: 1, usage: 2, waiting: 75, SIGINT: 130, SIGTERM: 143 } as const;

const name = 'atrous-seg';

/** What became of one input. */
type Outcome = InputReport | { readonly input: string; readonly error: string };

/** Runs the command; gives the exit code. */
export async function main(args: readonly string[], around: Surroundings): Promise<number> {
  const { stdout, stderr } = around;
  let options: Options;
  let inputs: Input[];
  try {
    const parsed = parseOptions(args);
    if (typeof parsed === 'string') {
      stdout.write(parsed);
      return exitCodes.done;
    }
    options = parsed;
    inputs = await findInputs(options);
  } catch (error) {
    stderr.write(`${name}: ${explain(error)}\nSee ${name} --help.\n`);
    return exitCodes.usage;
  }
  const run = new Run(options, around);
  const code = await run.all(inputs);
  if (options.json) stdout.write(`${JSON.stringify(run.document(code), null, 2)}\n`);
  return code;
}

/** One call of the command. */
class Run {
  readonly #options: Options;
  readonly #around: Surroundings;
  readonly #progress: Progress;
  readonly #outcomes: Outcome[] = [];
  #backend: Backend | undefined;
  #model: string | undefined;
  #error: string | undefined;
  #code: number = exitCodes.done;

  constructor(options: Options, around: Surroundings) {
    this.#options = options;
    this.#around = around;
    this.#progress = progressOn(around.stderr, options.progress);
  }

  /** All that is known, for a program. */
  document(exitCode: number) {
    const backend = this.#backend && { name: this.#backend.name, info: this.#backend.info };
    return {
      version,
      exitCode,
      model: this.#model,
      backend,
      error: this.#error,
      inputs: this.#outcomes,
    };
  }

  async all(inputs: readonly Input[]): Promise<number> {
    const { signal } = this.#around;
    const progress = this.#progress;
    try {
      progress.stage('model');
      const network = await openNetwork(this.#options, { progress, signal });
      this.#model = network.description.name;
      progress.stage('start backend');
      this.#backend = await startBackend(this.#options.backend);
      const context: Context = { options: this.#options, network, backend: this.#backend, progress, signal };
      this.#say(headText(network, describeBackend(this.#backend)));
      for (const [index, input] of inputs.entries()) {
        if (inputs.length > 1) progress.note(`${index + 1} of ${inputs.length}: ${input.title}`);
        await this.#one(input, context);
      }
      this.#summarise(inputs.length);
    } catch (error) {
      this.#fail(error);
    } finally {
      progress.end();
      await this.#backend?.dispose();
    }
    return this.#code;
  }

  /** Does one input. What is wrong with it does not keep the others from being done. */
  async #one(input: Input, context: Context): Promise<void> {
    try {
      const report = await segment(input, context);
      this.#progress.end();
      this.#outcomes.push(report);
      this.#say(`${reportText(report)}\n`);
    } catch (error) {
      if (context.signal.aborted || error instanceof UsageError) throw error;
      const waits = error instanceof WaitingError;
      if (!waits) this.#code = exitCodes.failed;
      else if (this.#code === exitCodes.done) this.#code = exitCodes.waiting;
      this.#outcomes.push({ input: input.title, error: this.#complain(error) });
    }
  }

  #summarise(count: number): void {
    if (count < 2) return;
    const failed = this.#outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.input] : []));
    const rest = failed.length > 0 ? `; failed: ${failed.join(', ')}` : '';
    this.#progress.end();
    this.#around.stderr.write(`${name}: ${count - failed.length} of ${count} inputs done${rest}\n`);
  }

  /** What ends the whole run. */
  #fail(error: unknown): void {
    const { signal, stderr } = this.#around;
    if (signal.aborted) {
      this.#code = signal.reason === 'SIGTERM' ? exitCodes.SIGTERM : exitCodes.SIGINT;
      this.#error = this.#complain(error instanceof CancelledError ? error : new CancelledError('cancelled'));
      return;
    }
    this.#code = error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
    this.#error = this.#complain(error);
    if (error instanceof UsageError) stderr.write(`See ${name} --help.\n`);
  }

  #complain(error: unknown): string {
    const text = explain(error);
    this.#progress.end();
    this.#around.stderr.write(`${name}: ${text}\n`);
    return text;
  }

  /** For people only. */
  #say(text: string): void {
    if (this.#options.json) return;
    this.#progress.end();
    this.#around.stdout.write(`${text}\n`);
  }
}

async function segment(input: Input, context: Context): Promise<InputReport> {
  const { description } = context.network;
  if (input.missing)
    throw new FormatError(`${input.path}: no file matches this pattern`, { pattern: input.path });
  if (description.input.kind === 'volume') return volumeJob(input, description.input, context);
  if (/\.nii(\.gz)?$/i.test(input.path))
    throw new FormatError(
      `${input.path}: is a volume, and the model ${description.name} takes pictures; name a model for volumes with --model`,
      { path: input.path, model: description.name },
    );
  return pictureJob(input, description.input, context);
}
