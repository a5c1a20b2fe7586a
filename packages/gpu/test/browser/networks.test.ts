import weights from '../../../segment/assets/water-net.safetensors?url';
import { trainedNetworks } from '../networks.js';

// None where the folder is not there.
const addresses = import.meta.glob<string>(
  [
    '../../../../../shared/models/networks/deeplabv3-mnv2-257.onnx',
    '../../../../../shared/models/networks/golden/{astronaut,chelsea}-257.png',
    '../../../../../shared/models/networks/golden/deeplabv3-mnv2-257.*.npy',
    '../../../../../shared/models/networks/meshnet-model{5,11}-gw.onnx',
    '../../../../../shared/models/networks/golden/{meshnet-model{5,11}-gw.,}t1-crop64.{u8,logits-s3,argmax}.npy',
  ],
  { query: '?url', import: 'default', eager: true },
);

async function read(address: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function decode(png: Uint8Array): Promise<Uint8ClampedArray> {
  const bitmap = await createImageBitmap(new Blob([png as Uint8Array<ArrayBuffer>]), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}

trainedNetworks({
  modes: ['webgl2', 'webgpu', 'webasm'],
  waterWeights: () => read(weights),
  shared:
    Object.keys(addresses).length === 0
      ? undefined
      : (name) => read(addresses[`../../../../../shared/models/networks/${name}`]!),
  decode,
});
