/** Weights that are computed by the program itself, packed at every run: products of matrices, dynamic filters. */
import { type Copy, gather } from './gather.js';
import type { Lowered } from './lower.js';
import { addressOf, makeValue, type Value } from './values.js';
import {
  type Bundle,
  type PanelShape,
  type Panels,
  panelShape,
  type Weights,
  weightStrides,
} from './weights.js';

/** Adds an operation that packs one bundle of weights, without bias. */
export function packComputed(
  given: Value,
  weights: Weights,
  bundle: Bundle,
  depth: number,
  name: string,
  lowered: Lowered,
): Panels {
  const panels = panelShape(weights, bundle, depth);
  const value = makeValue('plain', [panels.bias / 4 + panels.columns], 'float32');
  const copies = () => copiesOf(weights, bundle, panels);
  lowered.add(gather(name, 'pack weights', [{ x: given, copies }], value, lowered));
  return { ...panels, value, address: () => addressOf(value) };
}

/** One copy per panel and group: rows are taps and channels, zero for those of other groups. */
function copiesOf(weights: Weights, bundle: Bundle, panels: PanelShape): Copy[] {
  const { wide, narrow, depth, taps, stride, bias, columns } = panels;
  const inPerGroup = weights.shape[1]!;
  const outPerGroup = bundle.outChannels / bundle.groups;
  const strides = weightStrides(weights, bundle);
  const zeros: Copy = {
    rows: [-1],
    columns: new Int32Array(columns).fill(-1),
    y: bias,
    rowStride: 0,
    stride: 4,
    kind: 'words',
    channels: 1,
  };
  const copies = [zeros];
  for (let group = 0; group < bundle.groups; group++) {
    const start = (bundle.firstGroup + group) * strides.group;
    const rows = Int32Array.from({ length: taps * depth }, (_, i) => {
      const channel = (i % depth) - group * inPerGroup;
      const tap = Math.floor(i / depth);
      const inside = channel >= 0 && channel < inPerGroup;
      return inside ? 4 * ((start + channel * strides.input) * taps + tap) : -1;
    });
    const [first, last] = [group * outPerGroup, (group + 1) * outPerGroup];
    for (let panel = 0; panel < wide + narrow; panel++) {
      const from = Math.max(first, 8 * panel);
      const outputs = Math.max(0, Math.min(last, 8 * panel + 8) - from);
      copies.push({
        rows,
        columns: Int32Array.from(
          { length: outputs },
          (_, i) => 4 * (from + i - first) * strides.output * taps,
        ),
        y: panel * stride + 4 * (from - 8 * panel),
        rowStride: panel < wide ? 32 : 16,
        stride: 4,
        kind: 'words',
        channels: 1,
      });
    }
  }
  return copies;
}
