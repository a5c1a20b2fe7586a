import { type Constant, type Graph, UnsupportedError } from '@atrous/core';

/** Hashed at once: so much is copied, and between two pieces events get their turn. */
const pieceBytes = 2 ** 22;
const encoder = new TextEncoder();

/**
 * SHA-256 of layers and weights, in hexadecimal digits; names of layers do not count. Weights are hashed in pieces, and
 * the hashes of the pieces once more.
 *
 * @throws UnsupportedError where there is no crypto.subtle; the signal's reason
 */
export async function networkDigest(graphs: readonly Graph[], signal?: AbortSignal): Promise<string> {
  const parts: string[] = [];
  for (const { nodes, inputs, outputs } of graphs) {
    parts.push(await textDigest(canonical({ inputs, outputs, nodes: nodes.map(structureOf) })));
    for (const node of nodes)
      if (node.kind === 'constant') parts.push(await constantDigest(node.value, signal));
  }
  return textDigest(parts.join());
}

/** SHA-256 of a text. */
export const textDigest = (text: string): Promise<string> => bytesDigest(encoder.encode(text));

function structureOf({ name: _, ...node }: Graph['nodes'][number]): object {
  return node.kind === 'constant' ? { ...node, value: undefined } : node;
}

/** JSON with keys in order, and with every number as itself: JSON has no infinities and no negative zero. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part) => {
    if (typeof part === 'number')
      return Object.is(part, -0) ? '-0' : Number.isFinite(part) ? part : `${part}`;
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });

/** Constants do not change: each is hashed once, however many graphs have it. */
const hashed = new WeakMap<Constant, string>();

async function constantDigest(constant: Constant, signal: AbortSignal | undefined): Promise<string> {
  const known = hashed.get(constant);
  if (known !== undefined) return known;
  const { buffer, byteOffset, byteLength } = constant.data;
  const pieces: string[] = [];
  for (let at = 0; at < byteLength; at += pieceBytes) {
    signal?.throwIfAborted();
    pieces.push(
      await bytesDigest(new Uint8Array(buffer, byteOffset + at, Math.min(pieceBytes, byteLength - at))),
    );
  }
  const digest = await textDigest(pieces.join());
  hashed.set(constant, digest);
  return digest;
}

async function bytesDigest(bytes: Uint8Array): Promise<string> {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle)
    throw new UnsupportedError(
      'tiled: a journal needs SHA-256, and crypto.subtle is missing: pages have it over https and on localhost',
    );
  // shared memory cannot be hashed
  const own = new Uint8Array(bytes);
  const hash = new Uint8Array(await subtle.digest('SHA-256', own));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
