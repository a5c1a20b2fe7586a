/** Which adapters compute on the CPU. */
import type { GpuAdapter } from './webgpu-types.js';

/** Names under which graphics APIs compute on the CPU. */
const softwareRenderers = /swiftshader|llvmpipe|softpipe|software|basic render/i;

export const isSoftware = (renderer: string): boolean => softwareRenderers.test(renderer);

/** The name of an adapter and whether it computes on the CPU. */
export function describeAdapter({ info, isFallbackAdapter }: GpuAdapter): {
  name: string;
  software: boolean;
} {
  const parts = [info?.vendor, info?.architecture, info?.device, info?.description];
  const name = parts.filter((part) => part !== undefined && part !== '').join(' ') || 'unnamed adapter';
  return { name, software: (info?.isFallbackAdapter ?? isFallbackAdapter ?? false) || isSoftware(name) };
}
