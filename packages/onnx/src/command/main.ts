import { type ParseArgsConfig, parseArgs } from 'node:util';
import { AtrousError } from '@atrous/core';
import { RfError } from '@atrous/rf';
import { execute } from './execute.js';
import { help } from './help.js';
import { type Outcome, UsageError, type Values } from './input.js';
import { describeModel } from './inspect.js';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const many = { type: 'string', multiple: true } as const;

const shared = {
  json: flag,
  help: { type: 'boolean', short: 'h' },
  version: flag,
  'any-size': flag,
} as const;

type Run = (words: readonly string[], values: Values, signal?: AbortSignal) => Promise<Outcome>;

/** Each command with its own options, so that one given to the wrong command is an error. */
const commands: Readonly<
  Record<string, { readonly run: Run; readonly options: NonNullable<ParseArgsConfig['options']> }>
> = {
  run: {
    run: execute,
    options: { input: many, output: many, backend: text, threads: text, profile: flag },
  },
  inspect: {
    run: describeModel,
    options: { shape: many, input: text, output: text, layers: flag, check: flag },
  },
};

export interface Result {
  readonly code: 0 | 1 | 2;
  readonly output: string;
  readonly error: string;
}

/** Runs the command with these arguments and says what to print; `run` writes its outputs. */
export async function main(args: readonly string[], version: string, signal?: AbortSignal): Promise<Result> {
  try {
    const [name, ...rest] = args;
    if (name === undefined) return { code: 2, output: '', error: help };
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    const { values, positionals } = parse(command ? rest : args, command?.options ?? {});
    if (values.help) return { code: 0, output: help, error: '' };
    if (values.version) return { code: 0, output: version, error: '' };
    if (!command)
      throw new UsageError(
        `the first word is ${Object.keys(commands).join(' or ')}, not "${name}": atrous-onnx inspect model.onnx`,
      );
    const { output, code = 0 } = await command.run(positionals, values, signal);
    return { code, output, error: '' };
  } catch (error) {
    if (error instanceof UsageError)
      return {
        code: 2,
        output: '',
        error: `atrous-onnx: ${error.message}\natrous-onnx --help shows how it is used`,
      };
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof AtrousError || error instanceof RfError || code?.startsWith('E'))
      return { code: 1, output: '', error: `atrous-onnx: ${message}` };
    if (signal?.aborted) return { code: 1, output: '', error: 'atrous-onnx: cancelled' };
    throw error;
  }
}

function parse(args: readonly string[], own: NonNullable<ParseArgsConfig['options']>) {
  try {
    return parseArgs({ args: [...args], options: { ...shared, ...own }, allowPositionals: true }) as {
      values: Values;
      positionals: string[];
    };
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ');
    throw new UsageError(`${message.charAt(0).toLowerCase()}${message.slice(1)}`);
  }
}
