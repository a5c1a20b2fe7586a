import { stridesToDilation } from '../src/design.js';
import { inputRegion, type Layer, receptiveField, tileHalo, tileOverhead } from '../src/index.js';
import { parseLayers } from '../src/report.js';
import { document, path, rectangle, round, text } from '../src/svg.js';
import { aspp, conv, resnet50, unet } from './networks.js';

const meshnet = [1, 2, 4, 8, 16, 8, 4, 2, 1].map(
  (rate): Layer => ({ kernel: [3, 3, 3], dilation: rate, padding: rate }),
);
/** The network of the app, without its image pooling. */
const water = [
  ...[conv(3, 2), conv(3, 2)],
  ...[1, 2, 3, 1, 2, 3].map((rate) => conv(3, 1, rate)),
  aspp([4, 8, 12], false),
  { type: 'resize', scale: 4, mode: 'linear' } as const,
];
const deeplab = [...stridesToDilation(resnet50, 8).layers, aspp([12, 24, 36], false), conv(3)];

const networks: Readonly<Record<string, readonly Layer[]>> = {
  '3×3 at rates 1, 2, 5': parseLayers('3x3 d1,2,5') as readonly Layer[],
  'MeshNet, 3-D, rates up to 16': meshnet,
  'U-Net of four poolings': unet(4),
  'the water network: stride 4, HDC, ASPP 4, 8, 12': water,
  'DeepLabV3, ResNet-50 at stride 8, ASPP 12, 24, 36': deeplab,
};

const tile = 256;
const [left, width, height] = [20, 620, 18];

/** The window of one tile, and the fields of its first and last output, for several networks on one scale. */
export function haloFigure(): string {
  const rows = Object.entries(networks).map(([name, network]) => {
    const halo = tileHalo(network);
    const { before, after, alignment, outputAlignment } = halo.axes[0]!;
    const last = (tile / alignment!) * outputAlignment! - 1;
    const fields = [0, last].map((output) => {
      const [from, to] = inputRegion(network, output)![0]!;
      return [from, to + 1] as const;
    });
    const size = receptiveField(network).size[0]!;
    const caption = `field ${size}; halo ${before} + ${after}, tiles from multiples of ${alignment}; every sample computed ${round(tileOverhead(halo, tile))} times`;
    return { name, caption, before, after, fields };
  });
  const first = Math.max(...rows.map(({ before }) => before));
  const scale = width / (first + tile + Math.max(...rows.map(({ after }) => after)));
  const x = (sample: number) => left + (sample + first) * scale;
  const body = [text(left, 28, `What a tile of ${tile} samples reads`, 'ink title')];
  let y = 60;
  for (const { name, caption, before, after, fields } of rows) {
    body.push(text(left, y, name), text(left, y + 16, caption, 'soft number'));
    const top = y + 26;
    body.push(
      rectangle(x(-before), top, (tile + before + after) * scale, height, 's1'),
      rectangle(x(0), top, tile * scale, height, 's5'),
    );
    fields.forEach(([from, to], i) => {
      const at = top + height + 7 + 8 * i;
      body.push(
        path(`M${round(x(from))} ${at - 3}v6M${round(x(from))} ${at}H${round(x(to))}m0 -3v6`, 'curve'),
      );
    });
    y = top + height + 44;
  }
  body.push(
    rectangle(left, y - 12, 14, 14, 's5'),
    text(left + 20, y, 'tile'),
    rectangle(left + 64, y - 12, 14, 14, 's1'),
    text(left + 84, y, 'halo'),
    path(`M${left + 128} ${y - 8}v6m0 -3h24m0 -3v6`, 'curve'),
    text(left + 160, y, 'field of the first and of the last output of the tile'),
  );
  return document(left + width + 20, y + 20, 'halo and receptive field of five networks', body);
}
