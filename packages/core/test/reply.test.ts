import {
  AtrousError,
  DisposedError,
  ExecutionError,
  FormatError,
  MemoryError,
  OptionError,
  ShapeError,
  UnsupportedError,
} from '@atrous/core';
import { openReply, replyOf } from '@atrous/core/backend';
import { describe, expect, test } from 'vitest';

class OwnError extends AtrousError {
  override readonly name = 'OwnError';
}

/** What arrives on the other side of a message port. */
const arrived = async (error: unknown, classes?: Parameters<typeof openReply>[1]): Promise<AtrousError> => {
  const reply = await replyOf(() => {
    throw error;
  });
  try {
    openReply(structuredClone(reply), classes);
  } catch (copy) {
    return copy as AtrousError;
  }
  return expect.unreachable('it replied with a value');
};

test('a value is a value', async () => {
  expect(openReply(structuredClone(await replyOf(async () => [1, 2])))).toEqual([1, 2]);
});

describe('an error that travels', () => {
  test.each([
    new ShapeError('a', { shape: [1, 2] }),
    new MemoryError('b', { bytes: 7 }),
    new OptionError('c'),
    new UnsupportedError('d'),
    new ExecutionError('e'),
    new DisposedError('f'),
    new FormatError('g').within('layer.3'),
    new OwnError('h', { attempts: [{ url: 'u', reason: 'r' }] }),
  ])('%o', async (error) => {
    const copy = await arrived(error, { OwnError });
    expect(copy.constructor).toBe(error.constructor);
    const { name, message, details, path, stack } = error;
    expect({ ...copy, name: copy.name, message: copy.message, stack: copy.stack }).toEqual({
      name,
      message,
      details,
      stack,
      ...(path !== undefined && { path }),
    });
  });

  test('keeps its name where its class is not known, or is none of atrous', async () => {
    const own = await arrived(new OwnError('e', { missing: 1 }));
    expect(own.constructor).toBe(AtrousError);
    expect(own).toMatchObject({ name: 'OwnError', message: 'e', details: { missing: 1 } });
    const foreign = await arrived(new RangeError('f'));
    expect(foreign).toMatchObject({ name: 'RangeError', message: 'f' });
    expect(foreign).not.toBeInstanceOf(AtrousError);
    expect((await arrived('thrown text')).message).toBe('thrown text');
  });

  test('has details that can travel', async () => {
    expect(await arrived(new OptionError('g', { call: () => 1, n: 2 }))).toMatchObject({
      details: { n: 2, call: '() => 1' },
    });
  });
});
