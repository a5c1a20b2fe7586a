import { writeFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { RfError } from '../error.js';
import { analyse, halo, type Outcome } from './analyse.js';
import { compareWays, convert, repair, search } from './choose.js';
import { help } from './help.js';
import { UsageError, type Values } from './input.js';

type Run = (words: readonly string[], values: Values) => Outcome;

const commands = {
  search,
  repair,
  convert,
  tradeoffs: compareWays,
  halo,
} as const satisfies Record<string, Run>;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

const shared = {
  json: flag,
  markdown: flag,
  help: { type: 'boolean', short: 'h' },
  version: flag,
  ndim: text,
} as const;

/** Each command's own options, so that one given to the wrong command is an error. */
const options = {
  analyse: {
    'input-size': text,
    compare: { type: 'string', multiple: true },
    svg: text,
    figure: text,
    check: flag,
  },
  search: {
    kernel: text,
    layers: text,
    field: text,
    stride: text,
    'max-dilation': text,
    'max-macs': text,
    rank: text,
    limit: text,
  },
  repair: { kernel: text, stride: text, 'keep-field': flag },
  convert: { 'output-stride': text, 'input-size': text },
  tradeoffs: { field: text, kernel: text, channels: text, 'input-size': text },
  halo: { tile: text, 'input-size': text },
} as const;

type Command = keyof typeof commands;

const isCommand = (word: string | undefined): word is Command =>
  word !== undefined && Object.hasOwn(commands, word);

export interface Result {
  readonly code: 0 | 1 | 2;
  readonly output: string;
  readonly error: string;
}

/** Runs the command with these arguments and says what to print; writes a file only for `--svg`. */
export function run(args: readonly string[], version: string): Result {
  try {
    const name = isCommand(args[0]) ? args[0] : 'analyse';
    const rest = name === 'analyse' ? args : args.slice(1);
    const { values, positionals } = parse(rest, name);
    if (values.help || !args.length)
      return { code: args.length ? 0 : 2, output: args.length ? help : '', error: args.length ? '' : help };
    if (values.version) return { code: 0, output: version, error: '' };
    if (values.json && values.markdown) throw new UsageError('--json and --markdown exclude each other');
    const late = name === 'analyse' ? positionals.find(isCommand) : undefined;
    if (late) throw new UsageError(`the command comes first: rf ${late} …`);
    const { output, svg, code = 0 } = (name === 'analyse' ? analyse : commands[name])(positionals, values);
    if (svg === undefined) return { code: code as 0, output, error: '' };
    writeFileSync(String(values.svg), svg);
    return { code: code as 0, output, error: `wrote ${values.svg}` };
  } catch (error) {
    if (error instanceof UsageError)
      return { code: 2, output: '', error: `rf: ${error.message}\nrf --help shows how it is used` };
    if (error instanceof RfError) return { code: 1, output: '', error: `rf: ${error.message}` };
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('E')) return { code: 1, output: '', error: `rf: ${message}` };
    throw error;
  }
}

function parse(
  args: readonly string[],
  name: keyof typeof options,
): { values: Values; positionals: string[] } {
  try {
    const own: ParseArgsConfig['options'] = { ...shared, ...options[name] };
    return parseArgs({ args: [...args], options: own, allowPositionals: true });
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ');
    const owners = Object.entries(options).filter(([, own]) =>
      args.some((arg) => arg.startsWith('--') && Object.hasOwn(own, arg.slice(2).split('=')[0]!)),
    );
    const hint =
      owners.length && message.startsWith('Unknown')
        ? ` for ${name === 'analyse' ? 'a report' : name}; it belongs to ${owners.map(([owner]) => (owner === 'analyse' ? 'a report' : owner)).join(', ')}`
        : '';
    throw new UsageError(`${message.charAt(0).toLowerCase()}${message.slice(1)}${hint}`);
  }
}
