import { openContext } from './adapter/context.js';
import { describeAdapter } from './adapter/software.js';
import { webasmProblem } from './adapter/webasm-problem.js';
import { findGpu } from './adapter/webgpu-node.js';
import type { Mode } from './device.js';

/** What can be said of a mode without running anything in it. */
export interface ModeReport {
  readonly mode: Mode;
  readonly available: boolean;
  /** Why it is not available. */
  readonly reason?: string;
  /** What computes, as the browser names it. */
  readonly adapter?: string;
  /** Whether that is software on the CPU. */
  readonly software?: boolean;
}

const missing = (mode: Mode, reason: string): ModeReport => ({ mode, available: false, reason });

/** Every mode, best first, with whether it is available here or why not. Opens contexts and closes them again. */
export async function availableModes(): Promise<readonly ModeReport[]> {
  return [await probeWebgpu(), probeWebgl2(), probeWebasm()];
}

/** The mode that `gpu()` takes. */
export function bestMode(reports: readonly ModeReport[]): Mode | undefined {
  return reports.find(takenByItself)?.mode;
}

/** Graphics APIs only on real adapters, since their software is slower than WebAssembly. */
export const takenByItself = ({ mode, available, software }: ModeReport): boolean =>
  available && (mode === 'webasm' || !software);

async function probeWebgpu(): Promise<ModeReport> {
  const found = await findGpu();
  if ('reason' in found) return missing('webgpu', found.reason);
  const adapter = await found.api.requestAdapter().catch(() => null);
  if (adapter === null) return missing('webgpu', 'WebGPU has no adapter here');
  const { name, software } = describeAdapter(adapter);
  return { mode: 'webgpu', available: true, adapter: name, software };
}

function probeWebgl2(): ModeReport {
  try {
    const { gl, renderer, software } = openContext();
    gl.getExtension('WEBGL_lose_context')?.loseContext();
    return { mode: 'webgl2', available: true, adapter: renderer, software };
  } catch (error) {
    return missing('webgl2', String((error as { details?: { reason?: unknown } }).details?.reason ?? error));
  }
}

function probeWebasm(): ModeReport {
  const reason = webasmProblem();
  return reason === undefined
    ? { mode: 'webasm', available: true, adapter: 'WebAssembly', software: true }
    : missing('webasm', reason);
}
