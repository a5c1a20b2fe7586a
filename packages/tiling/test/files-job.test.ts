import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import {
  add,
  broadcastTo,
  conv2d,
  globalAvgPool,
  maxPool2d,
  reference,
  relu,
  type Tensor,
  tensor,
} from '@atrous/core';
import { describe, expect, test } from 'vitest';
import {
  type FileSink,
  fileJournal,
  mergeParts,
  openPicture,
  partSink,
  rawSink,
  tiffSink,
} from '../src/files/index.js';
import { arraySource, type JournalEntry, type Shard, tiled } from '../src/index.js';
import { scratch } from './support/folder.js';

const at = scratch();
const shape = [1, 1, 70, 90];
const data = Float32Array.from({ length: 6300 }, (_, i) => Math.sin(i * 12.9898) * 3);
const source = arraySource(data, shape, 'float32');
const kernel = tensor([0.1, 0.2, 0.1, 0, -0.5, 0.3, 0.2, 0.1, -0.1], [1, 1, 3, 3]);
const once = (x: Tensor) => relu(conv2d(x, kernel, { dilation: 2, padding: 2 }));
const twice = (x: Tensor) => {
  const y = once(x);
  return conv2d(add(y, broadcastTo(globalAvgPool(y), y.shape)), kernel, { padding: 1 });
};
type Order = 'tiles' | 'slabs';
const jobOf = (model: (x: Tensor) => Tensor, order: Order = 'tiles') =>
  tiled(model, source, { backend: reference(), tile: order === 'tiles' ? 20 : 3, order });

async function wholeOf(model: (x: Tensor) => Tensor, order?: Order): Promise<Buffer> {
  const sink = rawSink(at('whole.raw'));
  await (await jobOf(model, order)).run(sink);
  await sink.close();
  return readFileSync(at('whole.raw'));
}

describe('a journal in a file', () => {
  const entries: JournalEntry[] = [
    { type: 'plan', plan: '[1]', network: 'ab', tiles: 2, passes: 2, outputShape: [1, 1, 2, 2] },
    { type: 'tile', pass: 0, tile: 0, partials: [[-Infinity, NaN, -0, 0.1], []] },
    { type: 'tile', pass: 0, tile: 1, partials: [[Number.MIN_VALUE]] },
  ];

  test('gives back every bit, and one line more after each entry', async () => {
    const journal = fileJournal(at('a.jsonl'));
    expect(await journal.read()).toEqual([]);
    for (const [i, entry] of entries.entries()) {
      await journal.append(entry);
      expect(readFileSync(at('a.jsonl'), 'utf8').split('\n')).toHaveLength(i + 2);
    }
    await journal.close();
    const read = await fileJournal(at('a.jsonl')).read();
    expect(read).toEqual(entries);
    expect(Object.is(read[1]!.type === 'tile' && read[1]!.partials[0]![2], -0)).toBe(true);
  });

  test('a last line that is cut short anywhere is dropped, and the next entry takes its place', async () => {
    const whole = readFileSync(at('a.jsonl'));
    const last = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (let length = last; length < whole.length; length++) {
      writeFileSync(at('torn.jsonl'), whole.subarray(0, length));
      const journal = fileJournal(at('torn.jsonl'));
      expect(await journal.read()).toEqual(entries.slice(0, 2));
      await journal.append(entries[2]!);
      await journal.close();
      expect(readFileSync(at('torn.jsonl')).equals(whole)).toBe(true);
    }
  });

  test('anything else is no journal', async () => {
    for (const line of [
      'hello',
      '{"type":"tile","pass":-1}',
      '{"type":"tile","pass":0,"tile":0,"partials":["a"]}',
      '[]',
    ]) {
      writeFileSync(at('bad.jsonl'), `${line}\n{"type":"plan","plan":""}\n`);
      await expect(fileJournal(at('bad.jsonl')).read()).rejects.toThrow(
        /bad.jsonl: is no journal, or damaged \(line 1/,
      );
    }
  });
});

describe('a cancelled job goes on in its files', () => {
  test.each([
    ['one pass, TIFF', once, tiffSink, 'tiles'],
    ['two passes, TIFF', twice, tiffSink, 'tiles'],
    ['two passes, raw', twice, rawSink, 'tiles'],
    ['one pass, part', once, partSink, 'tiles'],
    ['slabs in two passes, TIFF', twice, tiffSink, 'slabs'],
    ['slabs in one pass, raw', once, rawSink, 'slabs'],
    ['slabs in one pass, part', once, partSink, 'slabs'],
  ] as const)('%s', async (_, model, sinkOf, order) => {
    const finish = async (stops: readonly number[]) => {
      for (const name of ['out', 'journal']) rmSync(at(name), { force: true });
      let ran = 0;
      for (const stop of [...stops, Infinity]) {
        const controller = new AbortController();
        const [sink, journal, job] = [
          sinkOf(at('out')),
          fileJournal(at('journal')),
          await jobOf(model, order),
        ];
        let here = 0;
        const running = job.run(sink, {
          journal,
          signal: controller.signal,
          onProgress() {
            ran++;
            if (++here === stop) controller.abort(new Error('stopped'));
          },
        });
        if (stop < Infinity) await expect(running).rejects.toThrow('stopped');
        else await running;
        await sink.close();
        await journal.close();
        job.dispose();
      }
      return { ran, bytes: readFileSync(at('out')) };
    };
    const straight = await finish([]);
    const broken = await finish([1, 5, 13]);
    expect(broken.ran).toBe(straight.ran);
    expect(broken.bytes.equals(straight.bytes)).toBe(true);
  });

  test('a result that is gone, or another one, is refused', async () => {
    const go = async (sink: FileSink) => {
      const journal = fileJournal(at('kept.jsonl'));
      try {
        await (await jobOf(once)).run(sink, { journal });
      } finally {
        await journal.close();
        await sink.close();
      }
    };
    await go(tiffSink(at('kept.tif')));
    truncateSync(at('kept.tif'), statSync(at('kept.tif')).size - 1);
    await expect(go(tiffSink(at('kept.tif')))).rejects.toThrow(
      /not the unfinished result that the journal tells of/,
    );
    await expect(go(tiffSink(at('gone.tif')))).rejects.toMatchObject({ name: 'FileError' });
    await expect(go(partSink(at('kept.tif')))).rejects.toThrow(
      /holds 0 regions where the journal tells of 20/,
    );
  });
});

describe('shards', () => {
  const runShard = async (model: (x: Tensor) => Tensor, shard: Shard, order?: Order) => {
    const sink = partSink(at(`part${shard.index}`));
    const journal = fileJournal(at(`journal${shard.index}`));
    try {
      await (await jobOf(model, order)).run(sink, { journal, shard });
    } finally {
      await sink.close();
      await journal.close();
    }
  };
  const clean = (count: number) => {
    for (let i = 0; i < count; i++)
      for (const name of ['part', 'journal']) rmSync(at(`${name}${i}`), { force: true });
  };
  const journalsOf = (count: number) =>
    Array.from({ length: count }, (_, i) => fileJournal(at(`journal${i}`)));
  const merge = async (count: number, sink = rawSink(at('merged.raw'))) => {
    const parts = journalsOf(count).map((journal, i) => ({ journal, path: at(`part${i}`) }));
    await mergeParts(parts.reverse(), sink).finally(() => sink.close());
    return readFileSync(sink.path);
  };

  test.each([
    [1, 'tiles'],
    [2, 'tiles'],
    [3, 'tiles'],
    [7, 'tiles'],
    [20, 'tiles'],
    [23, 'tiles'],
    [1, 'slabs'],
    [3, 'slabs'],
    [24, 'slabs'],
    [30, 'slabs'],
  ] as const)('%i of them make one run of %s', async (count, order) => {
    const want = await wholeOf(once, order);
    clean(count);
    for (let index = count - 1; index >= 0; index--) await runShard(once, { index, count }, order);
    expect((await merge(count)).equals(want)).toBe(true);
    await merge(count, tiffSink(at('merged.tif'), { tile: 32 }));
    const merged = await openPicture(at('merged.tif'));
    const values = await merged.read({ start: [0, 0], size: [70, 90] }, {});
    expect(Buffer.from(values.buffer).equals(want)).toBe(true);
    await merged.close();
  });

  test.each(['tiles', 'slabs'] as const)(
    'of %s with a global layer each waits for the others, and goes on with their journals',
    async (order) => {
      const want = await wholeOf(twice, order);
      const count = 3;
      clean(count);
      for (let index = 0; index < count; index++)
        await expect(runShard(twice, { index, count }, order)).rejects.toThrow(
          /has done its part of pass 1 of 2; the next one needs tiles .* run it again with the journals of all shards/,
        );
      for (let index = 0; index < count; index++)
        await runShard(twice, { index, count, journals: journalsOf(count) }, order);
      expect((await merge(count)).equals(want)).toBe(true);
    },
  );

  test('merge names what is missing, twice, or of another job', async () => {
    clean(3);
    await runShard(once, { index: 0, count: 3 });
    await runShard(once, { index: 2, count: 3 });
    const part = (i: number) => ({ journal: fileJournal(at(`journal${i}`)), path: at(`part${i}`) });
    const sink = rawSink(at('x.raw'));
    await expect(mergeParts([part(0), part(2)], sink)).rejects.toThrow('shards 1 of 3 are missing');
    await expect(mergeParts([part(0), part(1), part(2)], sink)).rejects.toThrow('journal 1 is empty');
    await expect(mergeParts([part(0), part(0)], sink)).rejects.toThrow('shard 0 is given twice');
    await expect(mergeParts([], sink)).rejects.toThrow('no journal was given');
    await runShard(once, { index: 1, count: 3 });
    const lines = readFileSync(at('journal1'), 'utf8').trimEnd().split('\n');
    writeFileSync(at('journal1'), `${lines.slice(0, -2).join('\n')}\n`);
    await expect(merge(3)).rejects.toThrow('tiles 11–12 of 20 are missing; run shards 1 of 3 again');
    await runShard(once, { index: 1, count: 3 });
    expect((await merge(3)).equals(await wholeOf(once))).toBe(true);
    truncateSync(at('part2'), statSync(at('part2')).size - 1);
    await expect(merge(3)).rejects.toThrow(/cover \d+ of 6300 positions/);
    writeFileSync(
      at('journal2'),
      `${JSON.stringify({ type: 'plan', plan: 'other', network: '', tiles: 1, passes: 1, outputShape: [1] })}\n`,
    );
    await expect(mergeParts([part(0), part(2)], sink)).rejects.toThrow(
      'journal 1 belongs to another job (other, journal 0 is ',
    );
    await expect(runShard(once, { index: 2, count: 3 })).rejects.toThrow('belongs to another job');
  });

  test('a region damaged on the disk is noticed', async () => {
    clean(2);
    for (const index of [0, 1]) await runShard(once, { index, count: 2 });
    const bytes = readFileSync(at('part0'));
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(at('part0'), bytes);
    await expect(merge(2)).rejects.toMatchObject({ name: 'FormatError' });
    appendFileSync(at('part1'), 'x');
  });

  test('unusable shards, a missing journal, the journal of another shard or of a network with other weights', async () => {
    clean(2);
    const job = await jobOf((x) => maxPool2d(x, 3, { stride: 1, padding: 1 }));
    const sink = partSink(at('part0'));
    for (const shard of [
      { index: 2, count: 2 },
      { index: -1, count: 2 },
      { index: 0, count: 0 },
      { index: 0.5, count: 2 },
    ])
      await expect(job.run(sink, { shard, journal: fileJournal(at('journal0')) })).rejects.toThrow(
        /must be one of 0 to count − 1/,
      );
    await expect(job.run(sink, { shard: { index: 0, count: 2 } })).rejects.toThrow('a shard needs a journal');
    await runShard(once, { index: 0, count: 2 });
    await expect((await jobOf(once)).run(sink, { journal: fileJournal(at('journal0')) })).rejects.toThrow(
      'the journal is that of shard 0 of 2 and this is the whole job',
    );
    const other = (x: Tensor) =>
      relu(conv2d(x, tensor(kernel.dataSync().slice(), [1, 1, 3, 3]), { dilation: 2, padding: 2 }));
    const changed = kernel.dataSync().slice();
    changed[8]! += 1e-6;
    const retrained = (x: Tensor) =>
      relu(conv2d(x, tensor(changed, [1, 1, 3, 3]), { dilation: 2, padding: 2 }));
    await runShard(other, { index: 0, count: 2 });
    await expect(runShard(retrained, { index: 0, count: 2 })).rejects.toThrow(
      /journal belongs to a network with other layers or weights \(SHA-256 [0-9a-f]{16}…, this one is SHA-256 [0-9a-f]{16}…\); start with an empty journal/,
    );
  });
});
