/** The smallest module there is. */
const emptyModule = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/** Why WebAssembly cannot be compiled here, or undefined if it can. */
export function webasmProblem(): string | undefined {
  if (typeof WebAssembly !== 'object') return 'there is no WebAssembly';
  try {
    new WebAssembly.Module(emptyModule);
    return undefined;
  } catch (error) {
    return `WebAssembly may not be compiled here (a content security policy without 'wasm-unsafe-eval'?): ${String(error)}`;
  }
}
