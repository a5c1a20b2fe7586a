import type { Options } from '../options.js';
import { measureInChromium } from './browser.js';
import type { GpuMeasureOptions } from './measure.js';
import { measureInNode } from './node.js';
import type { GpuRecord } from './records.js';
import { gpuMarkdown } from './report.js';
import { gpuWorkloads } from './workloads.js';

const quickly: GpuMeasureOptions = { samples: 7, budget: 1000 };
const thoroughly: GpuMeasureOptions = { samples: 25, budget: 5000 };

/**
 * Measures in Node and in Chromium. Without Chromium the first half stays, and the second says why it is missing.
 *
 * @param root the folder of this package
 * @returns the tables, and whether every result of ours was right
 */
export async function runGpu(
  { only, peers, quick, json }: Options,
  root: URL,
): Promise<{ readonly markdown: string; readonly right: boolean }> {
  const workloads = gpuWorkloads.filter(
    ({ id }) => only.length === 0 || only.some((text) => id.includes(text)),
  );
  if (workloads.length === 0)
    throw new TypeError(`--only: with --gpu there are ${gpuWorkloads.map(({ id }) => id).join(', ')}`);
  const measure = quick ? quickly : thoroughly;
  const withPeers = peers.length > 0;
  const sections: string[] = [];
  let right = true;
  const section = async (measureAll: (take: (record: GpuRecord) => void) => Promise<void>) => {
    const records: GpuRecord[] = [];
    await measureAll((record) => {
      records.push(record);
      if (json) console.log(JSON.stringify(record));
      if (record.kind !== 'skip' || !record.failed) return;
      console.error(`${record.workload}, ${record.family} ${record.mode}: ${record.reason}`);
      right = false;
    });
    sections.push(gpuMarkdown(records));
    if (!json) console.log(`${sections.at(-1)}\n`);
  };
  await section((take) => measureInNode(workloads, withPeers, quick, measure, take));
  try {
    await section((take) => measureInChromium({ root, workloads, peers: withPeers, quick, measure }, take));
  } catch (error) {
    console.error(`the browser part failed: ${error instanceof Error ? error.message : error}`);
    right = false;
  }
  return { markdown: sections.join('\n\n'), right };
}
