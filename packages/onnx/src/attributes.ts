import { FormatError } from '@atrous/core';
import type { Value } from './operator.js';

/** The attributes of one node, as read from the file. */
export type AttributeValue = number | string | readonly number[] | readonly string[] | Value;

/** Typed access to a node's attributes. */
export class Attributes {
  readonly #values: ReadonlyMap<string, AttributeValue>;

  constructor(values: ReadonlyMap<string, AttributeValue>) {
    this.#values = values;
  }

  get names(): readonly string[] {
    return [...this.#values.keys()];
  }

  number(name: string): number | undefined;
  number(name: string, otherwise: number): number;
  number(name: string, otherwise?: number): number | undefined {
    return this.#read(name, 'a number', (value) => typeof value === 'number', otherwise);
  }

  text(name: string): string | undefined;
  text(name: string, otherwise: string): string;
  text(name: string, otherwise?: string): string | undefined {
    return this.#read(name, 'text', (value) => typeof value === 'string', otherwise);
  }

  numbers(name: string): readonly number[] | undefined;
  numbers(name: string, otherwise: readonly number[]): readonly number[];
  numbers(name: string, otherwise?: readonly number[]): readonly number[] | undefined {
    const isList = (value: AttributeValue): value is readonly number[] =>
      Array.isArray(value) && value.every((item) => typeof item === 'number');
    return this.#read(name, 'a list of numbers', isList, otherwise);
  }

  value(name: string): Value | undefined {
    const isValue = (value: AttributeValue): value is Value => typeof value === 'object' && 'tensor' in value;
    return this.#read<Value>(name, 'a tensor', isValue, undefined);
  }

  #read<T extends AttributeValue>(
    name: string,
    what: string,
    is: (value: AttributeValue) => boolean,
    otherwise: T | undefined,
  ): T | undefined {
    const value = this.#values.get(name);
    if (value === undefined) return otherwise;
    if (!is(value)) throw new FormatError(`attribute ${name} must be ${what}`, { [name]: value });
    return value as T;
  }
}
