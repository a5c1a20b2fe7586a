/** `npm run bench`: measures atrous beside its peers and says whether the targets are met. */
import { readFile, writeFile } from 'node:fs/promises';
import { input, trace } from '@atrous/core';
import { help, type Options, parseOptions } from './options.js';
import { readNetwork } from './problem.js';
import type { Measurement, Record, SessionRecord, Skip } from './records.js';
import { gpuMarkers, networkMarkers, replaceMeasured } from './report/document.js';
import { type SessionResult, sessionMarkdown } from './report/markdown.js';
import { networksMarkdown } from './report/networks.js';
import { runSession } from './run-session.js';
import {
  type FileWorkload,
  networkWorkloads,
  parseWorkloads,
  type Workload,
  workloads,
} from './workloads.js';

const documentFile = new URL('../../../docs/benchmarks.md', import.meta.url);
const tilingFile = new URL('../../../docs/tiling.md', import.meta.url);
const networksFile = new URL('../../../docs/networks.md', import.meta.url);

async function main(options: Options): Promise<boolean> {
  const chosen = await choose(options);
  const sections: string[] = [];
  const results: SessionResult[] = [];
  let right = true;
  for (const node of options.nodes)
    for (const threads of options.threads) {
      const result = await measureOne(node, threads, chosen, options);
      for (const { workload, contestant, reason, failed } of result.skips) {
        if (!failed) continue;
        console.error(`${workload}, ${contestant}: ${reason}`);
        right = false;
      }
      const section = sessionMarkdown(result);
      sections.push(section);
      results.push(result);
      if (!options.json) console.log(`${section}\n`);
    }
  if (options.networks) await reportNetworks(chosen as readonly FileWorkload[], results, options);
  else if (options.write)
    await writeFile(
      documentFile,
      replaceMeasured(await readFile(documentFile, 'utf8'), sections.join('\n\n')),
    );
  return right;
}

async function reportNetworks(
  chosen: readonly FileWorkload[],
  results: readonly SessionResult[],
  { json, write }: Options,
): Promise<void> {
  const facts = await Promise.all(
    chosen.map(async (workload) => {
      const { run, parameters } = await readNetwork(workload);
      const { graph } = trace(run, input(workload.shape));
      return { id: workload.id, graph, parameters };
    }),
  );
  const markdown = networksMarkdown(facts, results);
  if (!json) console.log(markdown);
  if (!write) return;
  const document = await readFile(networksFile, 'utf8');
  await writeFile(networksFile, replaceMeasured(document, markdown, networkMarkers));
}

async function mainGpu(options: Options): Promise<boolean> {
  // Chromium and Vite are not loaded for anything else
  const { runGpu } = await import('./gpu/run.js');
  const { markdown, right } = await runGpu(options, new URL('../', import.meta.url));
  if (options.write) {
    const document = await readFile(documentFile, 'utf8');
    await writeFile(documentFile, replaceMeasured(document, markdown, gpuMarkers));
  }
  return right;
}

async function choose({ workloads: file, only, networks }: Options): Promise<readonly Workload[]> {
  const own = networks ? networkWorkloads : workloads;
  const list = file === undefined ? own : parseWorkloads(await readFile(file, 'utf8'));
  const chosen = list.filter(({ id }) => only.length === 0 || only.some((text) => id.includes(text)));
  if (chosen.length === 0)
    throw new TypeError(`--only: no workload has that in its id: ${list.map(({ id }) => id).join(', ')}`);
  return chosen;
}

async function measureOne(
  node: string,
  threads: number,
  chosen: readonly Workload[],
  { peers, quick, json, networks }: Options,
): Promise<SessionResult> {
  let session: SessionRecord | undefined;
  const measurements: Measurement[] = [];
  const skips: Skip[] = [];
  const progress = new Set<string>();
  const take = (record: Record) => {
    if (json) console.log(JSON.stringify(record));
    if (record.kind === 'session') session = record;
    else {
      if (record.kind === 'measurement') measurements.push(record);
      else skips.push(record);
      progress.add(record.workload);
      if (process.stderr.isTTY)
        process.stderr.write(`\r${progress.size} of ${chosen.length}: ${record.workload}\u001b[K`);
    }
  };
  await runSession(node, { workloads: chosen, threads, peers, quick, backends: networks }, take);
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  if (session === undefined) throw new Error('the measuring process said nothing');
  return { session, measurements, skips };
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(help);
  else if (options.tiling) await (await import('./tiling/run.js')).runTiling(options, tilingFile);
  else if (!(await (options.gpu ? mainGpu : main)(options))) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
