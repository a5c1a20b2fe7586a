import { AtrousError, FormatError } from '@atrous/core';
import { fileError } from './file-error.js';

/** Takes bytes from the front of a stream: no more than asked for, however much there is. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #name: string;
  #rest: Uint8Array = new Uint8Array(0);
  #position = 0;

  /** @param name stands in messages */
  constructor(stream: AsyncIterable<Uint8Array>, name: string) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#name = name;
  }

  async take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    await this.fill(bytes);
    return bytes;
  }

  /** @throws FormatError if the stream ends before */
  async fill(target: Uint8Array): Promise<void> {
    await this.#consume(target.length, (piece, at) => target.set(piece, at));
  }

  async skip(length: number): Promise<void> {
    await this.#consume(length, () => {});
  }

  /** Reads to the end and discards it, but no more than `limit` bytes. @returns whether the end was there */
  async endsWithin(limit: number): Promise<boolean> {
    let surplus = this.#rest.length;
    while (surplus <= limit) {
      const chunk = await this.#next();
      if (!chunk) return true;
      surplus += chunk.length;
    }
    return false;
  }

  async #consume(length: number, use: (piece: Uint8Array, at: number) => void): Promise<void> {
    for (let at = 0; at < length; ) {
      if (this.#rest.length === 0) {
        const chunk = await this.#next();
        if (!chunk)
          throw new FormatError(
            `${this.#name}: ends at byte ${this.#position}, where ${length - at} more are expected; it is truncated`,
            { position: this.#position, expected: length - at },
          );
        this.#rest = chunk;
        continue;
      }
      const piece = this.#rest.subarray(0, length - at);
      use(piece, at);
      at += piece.length;
      this.#position += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#chunks.next();
      return done ? undefined : value;
    } catch (error) {
      if (error instanceof AtrousError || !(error instanceof Error)) throw error;
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (code.startsWith('Z_'))
        throw new FormatError(
          `${this.#name}: its compressed data are damaged or truncated (${error.message})`,
          {
            code,
            position: this.#position,
          },
        );
      throw fileError(this.#name, 'read', error);
    }
  }
}
