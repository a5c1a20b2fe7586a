import { UnsupportedError } from '../../errors.js';
import { ModuleWriter, v128 } from './encoder.js';

export interface Features {
  readonly simd: boolean;
  /** `relaxed_madd`: a fused multiply-add where the machine has one. */
  readonly fma: boolean;
}

const accepts = (module: ModuleWriter) => WebAssembly.validate(module.bytes());

const simd = new ModuleWriter().function('f', [], (f) => f.vectorConst(0).set(f.local(v128)));

/** What WebAssembly can do here; found by validating tiny modules. */
export function detectFeatures(): Features {
  if (typeof WebAssembly === 'undefined') return { simd: false, fma: false };
  const fma = new ModuleWriter().function('f', [], (f) =>
    f.vectorConst(0).vectorConst(0).vectorConst(0).vMultiplyAddRelaxed().set(f.local(v128)),
  );
  return { simd: accepts(simd), fma: accepts(fma) };
}

/**
 * Throws where the engine cannot run.
 *
 * @throws UnsupportedError without SIMD, and in a page whose content security policy forbids WebAssembly
 */
export function checkUsable(features: Features): void {
  if (!features.simd)
    throw new UnsupportedError(
      'cpu: this machine has no WebAssembly SIMD; use reference(), or a newer browser or Node',
      { ...features },
    );
  try {
    // A policy lets modules be validated, not compiled.
    new WebAssembly.Module(simd.bytes());
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnsupportedError(
      `cpu: this page does not allow WebAssembly (${reason}); add 'wasm-unsafe-eval' to script-src of its content security policy, or use reference()`,
      { reason },
    );
  }
}
