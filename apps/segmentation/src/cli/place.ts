import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OptionError } from '@atrous/core';
import type { Sink } from '@atrous/tiling';
import { type FileJournal, type FileSink, fileJournal, mergeParts, partSink } from '@atrous/tiling/files';
import type { Input } from './inputs.js';
import type { Options } from './options.js';

/**
 * Where the classes of an input stand until all of its tiles are done: for every shard, or the only run, a file of tiles
 * and a journal of those that are complete. The results are written from them at the end, so a result never stands
 * half-written under its name, and a run that was stopped goes on from here, whatever the format of its results.
 */
export class Place {
  readonly folder: string;

  constructor(
    input: Input,
    private readonly options: Options,
  ) {
    this.folder = join(options.out, `${input.name}.unfinished`);
  }

  private get shard() {
    return this.options.shard ?? { index: 0, count: 1 };
  }

  #path(index: number, count: number, ending: string): string {
    return join(this.folder, `${index}-of-${count}.${ending}`);
  }

  get journal(): FileJournal {
    return fileJournal(this.#path(this.shard.index, this.shard.count, 'jsonl'));
  }

  get sink(): FileSink {
    return partSink(this.#path(this.shard.index, this.shard.count, 'part'));
  }

  /** The journals of all shards, for what one needs of the others. */
  get journals(): FileJournal[] {
    const { count } = this.shard;
    return Array.from({ length: count }, (_, index) => fileJournal(this.#path(index, count, 'jsonl')));
  }

  /** Makes the folder; a run that does not go on from another one starts with an empty one. */
  async prepare(): Promise<void> {
    const { resume, shard } = this.options;
    // a shard always goes on: schedulers start it again after a failure, and after the first of several passes
    if (!resume && !shard) await this.remove();
    await mkdir(this.folder, { recursive: true });
  }

  /** Whether an earlier run was stopped. */
  get begun(): boolean {
    return existsSync(this.folder);
  }

  /** @throws OptionError if shards are missing or not done, or none was run */
  async join(sink: Sink, signal: AbortSignal): Promise<void> {
    const names = this.options.merge ? await this.#shards() : [`0-of-1`];
    const parts = names.map((name) => ({
      journal: fileJournal(join(this.folder, `${name}.jsonl`)),
      path: join(this.folder, `${name}.part`),
    }));
    await mergeParts(parts, sink, { signal });
  }

  async #shards(): Promise<string[]> {
    const files = this.begun ? await readdir(this.folder) : [];
    const names = files.flatMap((file) => /^(\d+-of-\d+)\.jsonl$/.exec(file)?.[1] ?? []);
    if (names.length > 0) return names;
    throw new OptionError(
      `${this.folder}: has no shards to merge; run --shard 0/n to n − 1/n with the same --out first`,
      { folder: this.folder },
    );
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
