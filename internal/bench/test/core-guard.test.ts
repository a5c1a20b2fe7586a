import { expect, test } from 'vitest';
import { CoreGuard } from '../src/core-guard.js';

test('a process that sleeps does not have its core', async () => {
  const guard = new CoreGuard(1);
  const undisturbed = guard.watch();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(undisturbed()).toBe(false);
  await guard.dispose();
});

test('watches two cores at once and ends', async () => {
  const guard = new CoreGuard(2);
  await guard.calibrate();
  expect(typeof guard.healthy()).toBe('boolean');
  expect(typeof (await guard.recover(20))).toBe('boolean');
  await guard.dispose();
});
