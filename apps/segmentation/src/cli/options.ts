import type { BackendChoice, GpuMode } from '@atrous/segment/models';
import { Command, CommanderError, Option } from 'commander';
import { version } from '../../package.json';
import { UsageError } from './errors.js';
import { parseBytes } from './sizes.js';

/** A result: not written, written under its usual name, or under this one. */
export type Written = boolean | string;

export interface Options {
  /** Paths and patterns; none: the sample. */
  readonly inputs: readonly string[];
  readonly out: string;
  readonly mask: Written;
  readonly overlay: Written;
  readonly truth: string | undefined;
  readonly model: string;
  readonly description: string | undefined;
  readonly labels: string | undefined;
  readonly backend: BackendChoice;
  /** Pixels or voxels per side; undefined: the largest that memory allows. */
  readonly tile: number | undefined;
  /** Bytes. */
  readonly maxMemory: number;
  readonly shard: { readonly index: number; readonly count: number } | undefined;
  readonly merge: boolean;
  readonly resume: boolean;
  /** Whether to time every step of the network. */
  readonly profile: boolean;
  readonly json: boolean;
  readonly progress: 'some' | 'every tile' | 'none';
}

const backendNames = ['cpu', 'gpu', 'reference'] as const;
const gpuModes: readonly GpuMode[] = ['webgpu', 'webgl2', 'webasm'];

const exitCodes = `
Exit codes: 0 done; 1 an input failed (the others are done); 2 wrong usage; 75 a shard waits for others, run it again;
130 stopped by Ctrl-C; 143 stopped by SIGTERM.

Examples:
  atrous-seg scene.tif --tile 512 --max-memory 300MB
  atrous-seg 'photos/*.jpg' --model deeplabv3-mobilenetv2 --overlay --out results
  atrous-seg t1.nii.gz --model meshnet.onnx --labels tissue.txt
  atrous-seg scene.tif --shard 0/4      on four machines, 0/4 to 3/4, then: atrous-seg scene.tif --merge`;

const collect = (value: string, all: readonly string[] = []) => [...all, value];

function command(): Command {
  return new Command('atrous-seg')
    .description('Says for every pixel of a picture, or voxel of a volume, which class it belongs to.')
    .argument(
      '[inputs...]',
      'PNG, JPEG, TIFF, GeoTIFF, NIfTI; patterns such as "photos/*.jpg"; default: a sample',
    )
    .option('-i, --input <file>', 'the same as an argument; may be repeated', collect)
    .option('-o, --out <folder>', 'where results go; made if missing', 'out')
    .addOption(new Option('--output <folder>', 'the same as --out').hideHelp())
    .option(
      '--mask [file]',
      'write the classes only, or under this name (default: NAME-mask.png, .tif, .nii.gz)',
    )
    .option('--overlay [file]', 'write the picture in colours of classes only, or under this name')
    .option(
      '--truth <file>',
      'reference of the same size to compare with: classes, or for water white = water',
    )
    .option(
      '-m, --model <name|file>',
      'water, deeplabv3-mobilenetv2 (downloaded once), or an ONNX or TFLite file',
      'water',
    )
    .option('--description <file>', 'JSON that says what the model takes and gives, for files that do not')
    .option('--labels <file>', 'names of classes, one a line; a colour such as #1f78b4 may follow')
    .option('-b, --backend <name>', `${backendNames.join(', ')} (slow, float64, for comparison)`, 'cpu')
    .option('--gpu-mode <mode>', `${gpuModes.join(', ')}: what the gpu backend must use, or fail`)
    .option('--threads <n>', 'threads of the cpu backend; default: as many as there are cores, at most 8')
    .option('--tile <n>', 'pixels per side of a tile; default: as large as memory allows')
    .option('--max-memory <size>', 'memory that the process may take, such as 300MB', '1GiB')
    .option('--shard <i/n>', 'do only part i of n, counted from 0; then --merge')
    .option('--merge', 'check that all shards are done and write the results')
    .option('--resume', 'go on with a tiled run that was stopped')
    .option('--profile', 'run some more times and tell algorithm, time and GFLOP/s of every step')
    .option('--json', 'a report for programs instead of one for people')
    .option('--progress', 'where there is no terminal, a line for every tile')
    .option('--no-progress', 'no progress at all')
    .version(`atrous-seg ${version}`, '-v, --version', 'the version')
    .helpOption('-h, --help', 'this text')
    .addHelpText('after', exitCodes)
    .configureHelp({
      helpWidth: 110,
      // a value after `=` only: what follows `--mask` is the next input
      optionTerm: ({ flags }) => flags.replace(' [file]', '[=<file>]'),
    });
}

const bare = (arg: string) => (arg === '--mask' || arg === '--overlay' ? `${arg}=` : arg);

/**
 * Reads the command line.
 *
 * @returns the options, or the text that was asked for
 * @throws UsageError
 */
export function parseOptions(args: readonly string[]): Options | string {
  let said = '';
  const program = command()
    .exitOverride()
    .configureOutput({ writeOut: (text) => (said += text), writeErr: () => {} });
  try {
    program.parse(args.map(bare), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return said;
    throw new UsageError(error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' '));
  }
  return checked(program.args, program.opts());
}

interface Given {
  readonly input?: readonly string[];
  readonly out: string;
  readonly output?: string;
  readonly mask?: string;
  readonly overlay?: string;
  readonly truth?: string;
  readonly model: string;
  readonly description?: string;
  readonly labels?: string;
  readonly backend: string;
  readonly gpuMode?: string;
  readonly threads?: string;
  readonly tile?: string;
  readonly maxMemory: string;
  readonly shard?: string;
  readonly merge?: boolean;
  readonly resume?: boolean;
  readonly profile?: boolean;
  readonly json?: boolean;
  readonly progress?: boolean;
}

function checked(positional: readonly string[], given: Given): Options {
  for (const [name, value] of Object.entries(given))
    if (value === '' && name !== 'mask' && name !== 'overlay')
      throw new UsageError(`--${dashed(name)} needs a value`, { name });
  const inputs = [...(given.input ?? []), ...positional];
  if (inputs.includes('')) throw new UsageError('an input has an empty name');
  const neither = given.mask === undefined && given.overlay === undefined;
  const written = (value: string | undefined): Written => (value === undefined ? neither : value || true);
  const shard = given.shard === undefined ? undefined : shardOf(given.shard);
  if (shard && given.merge)
    throw new UsageError('--shard does a part and --merge joins all of them; give one of the two');
  return {
    inputs,
    out: given.output ?? given.out,
    mask: written(given.mask),
    overlay: written(given.overlay),
    truth: given.truth,
    model: given.model,
    description: given.description,
    labels: given.labels,
    backend: backendOf(given),
    tile: given.tile === undefined ? undefined : integer('--tile', given.tile),
    maxMemory: memoryOf(given.maxMemory),
    shard,
    merge: given.merge ?? false,
    resume: given.resume ?? false,
    profile: given.profile ?? false,
    json: given.json ?? false,
    progress: given.progress === undefined ? 'some' : given.progress ? 'every tile' : 'none',
  };
}

const dashed = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function integer(flag: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 2 ** 31 - 1) return value;
  throw new UsageError(`${flag} is a whole number from 1 on, not ${text}`, { value: text });
}

function memoryOf(text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== undefined) return bytes;
  throw new UsageError(`--max-memory is a size such as 300MB or 1GiB, not ${text}`, { value: text });
}

function shardOf(text: string): { index: number; count: number } {
  const [, index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (index !== undefined && count !== undefined && index < count) return { index, count };
  throw new UsageError(`--shard is i/n with i from 0 to n − 1, such as 0/8, not ${text}`, { value: text });
}

function backendOf({ backend, gpuMode, threads }: Given): BackendChoice {
  const name = oneOf('--backend', backend, backendNames);
  if (gpuMode !== undefined && name !== 'gpu')
    throw new UsageError(`--gpu-mode is for --backend gpu, but the backend is ${name}`, { name, gpuMode });
  if (threads !== undefined && name !== 'cpu')
    throw new UsageError(`--threads is for --backend cpu, but the backend is ${name}`, { name, threads });
  return {
    name,
    gpuMode: gpuMode === undefined ? undefined : oneOf('--gpu-mode', gpuMode, gpuModes),
    threads: threads === undefined ? undefined : integer('--threads', threads),
  };
}

function oneOf<T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found === undefined)
    throw new UsageError(`${flag} is one of ${allowed.join(', ')}, not ${value}`, { value, allowed });
  return found;
}
