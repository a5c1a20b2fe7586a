/**
 * xoshiro128** 1.1 (Blackman & Vigna, "Scrambled linear pseudorandom number generators", 2018), the authors' choice
 * where only 32-bit integers are fast. Integer arithmetic only: every machine gives the same numbers.
 *
 * @param state four 32-bit words, not all zero
 * @returns a function that gives the next 32-bit unsigned integer
 */
export function xoshiro128(state: readonly [number, number, number, number]): () => number {
  let [s0, s1, s2, s3] = state;
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const t = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= t;
    s3 = rotateLeft(s3, 11);
    return result;
  };
}

const rotateLeft = (x: number, bits: number) => (x << bits) | (x >>> (32 - bits));

/** FNV-1a (Fowler, Noll & Vo), then the finaliser of MurmurHash3 (Appleby): 32 well-mixed bits of a text. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
