import type { Backend } from '@atrous/core';

/** One line that says what really runs: `gpu (mode webgl2, …)`. */
export function describeBackend({ name, info }: Pick<Backend, 'name' | 'info'>): string {
  const facts = Object.entries(info).map(([key, value]) => `${key} ${value}`);
  return facts.length > 0 ? `${name} (${facts.join(', ')})` : name;
}
