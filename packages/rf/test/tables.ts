import { stridesToDilation, tradeoffs } from '../src/design.js';
import { coverage, holeTest, hybridDilation, type Layer, receptiveField } from '../src/index.js';
import { effectiveField, sharedInputs, tapUsage } from '../src/influence.js';
import { markdownTable, parseLayers } from '../src/report.js';
import {
  aspp,
  contextModule,
  conv,
  denseAspp,
  meshnet,
  resnet,
  resnet50,
  vgg16,
  wavenet,
} from './networks.js';

const percent = (share: number) => `${Number((100 * share).toPrecision(3))} %`;
const thousands = (value: number) => value.toLocaleString('en-US');

function schedules(): string {
  const rows = [
    [1, 1],
    [3, 3],
    [2, 2, 2],
    [1, 2, 3],
    [1, 2, 5],
    [1, 2, 9],
    [2, 4, 8],
  ].map((rates) => {
    const layers = parseLayers(`3x3 d${rates.join(',')}`);
    const { axes, area, touched, fraction, lattices } = coverage(layers);
    const line = coverage(layers, { axis: 0 }).paths;
    const correlation = sharedInputs(layers)[0]!.correlation;
    const size = axes[0]!.size;
    return [
      rates.join(', '),
      `${size}×${size}`,
      `${touched} of ${area}`,
      percent(fraction),
      `${lattices}`,
      correlation.toFixed(2),
      `${line.min} … ${line.max}`,
      line.evenness.toFixed(2),
    ];
  });
  return markdownTable({
    head: [
      'rates',
      'field',
      'inputs read',
      'coverage',
      'independent lattices',
      'neighbours correlate',
      'paths per input (one axis)',
      'evenness',
    ],
    rows,
  });
}

function rules(): string {
  const rows = (
    [
      [[1, 2, 5], 3],
      [[1, 2, 9], 3],
      [[2, 3], 3],
      [[2, 3, 3], 3],
      [[1, 3, 1], 3],
      [[1, 2, 5, 1, 2, 5], 3],
      [[1, 2, 5], 2],
      [[1, 3, 12], 4],
    ] as const
  ).map(([rates, kernel]) => {
    const published = hybridDilation(rates, kernel);
    const { holeFree, offender } = holeTest(
      rates.map((dilation): Layer => ({ kernel, dilation })),
      { ndim: 1 },
    )[0]!;
    return [
      rates.join(', '),
      `${kernel}`,
      `${published.passes ? 'passes' : 'fails'} (M₂ = ${published.distance})`,
      holeFree ? 'no holes' : `holes (rate ${offender!.spacing}, at most ${offender!.allowed})`,
      published.passes === holeFree ? 'yes' : '**no**',
    ];
  });
  return markdownTable({ head: ['rates', 'kernel', 'published rule', 'exact test', 'do they agree'], rows });
}

function taps(): string {
  const rows = [6, 12, 18, 24, 36].map((rate) => {
    const [usage] = tapUsage([{ kernel: 3, dilation: rate, padding: rate }], 33);
    return [`${rate}`, percent(usage!.fraction), usage!.effective.join('×')];
  });
  return markdownTable({ head: ['rate', 'taps on a 33×33 map', 'kernel that remains'], rows });
}

function ways(): string {
  const rows = tradeoffs({ field: 31 }).map(
    ({ name, layers, field, outputSize, parameters, macs, memory, coverage: read }) => [
      name,
      `${layers.length}`,
      field.join('×'),
      outputSize.join('×'),
      thousands(parameters),
      `${Number((macs / 1e9).toPrecision(3))} G`,
      `${Number((memory / 1e6).toPrecision(3))} MB`,
      percent(read),
    ],
  );
  return markdownTable({
    head: [
      'way',
      'layers',
      'field',
      'output of 256×256',
      'parameters',
      'multiplications',
      'maps',
      'coverage',
    ],
    rows,
  });
}

function published(): string {
  const row = (name: string, layers: readonly Layer[], said: string, source: string) => {
    const { size, stride } = receptiveField(layers);
    return [name, said, `${size[0]}, stride ${stride[0]}`, source];
  };
  const araujo = 'Araujo, Norris and Sim, Distill 2019';
  const measured = 'measured with PyTorch gradients in our golden data';
  const rows = [
    row('VGG-16, pool5', vgg16, '212', araujo),
    row('ResNet-50, TF-slim', resnet([3, 4, 6, 3], 'last'), '483, stride 32', araujo),
    row('ResNet-101, TF-slim', resnet([3, 4, 23, 3], 'last'), '1027', araujo),
    row('ResNet-152, TF-slim', resnet([3, 8, 36, 3], 'last'), '1507', araujo),
    row('ResNet-50, torchvision', resnet50, '427', measured),
    row('the same with dilation, output stride 8', stridesToDilation(resnet50, 8).layers, '427', measured),
    row(
      'its DeepLab v3 head, rates 12, 24, 36, without image pooling',
      [...stridesToDilation(resnet50, 8).layers, aspp([12, 24, 36], false), conv(3)],
      '1019',
      measured,
    ),
    row('ASPP 6, 12, 18 without image pooling', [aspp([6, 12, 18], false)], '37', measured),
    row('context module 1, 1, 2, 4, 8, 16, 1', contextModule, '67', 'Yu and Koltun, ICLR 2016, table 1'),
    row('WaveNet, k = 2, rates 1 … 512', wavenet, '1024', 'van den Oord et al. 2016, section 2.1'),
    row('MeshNet 1, 1, 1, 2, 4, 8, 1', meshnet, '37', 'Fedorov et al., IJCNN 2017'),
    row('DenseASPP 3, 6, 12, 18', denseAspp.slice(0, 4), '79', 'Yang et al., CVPR 2018, section 3.2'),
    row('DenseASPP 3, 6, 12, 18, 24', denseAspp, '127', measured),
  ];
  return markdownTable({ head: ['network', 'published', 'computed', 'source'], rows });
}

function effective(): string {
  const rows = Object.entries({
    'VGG-16': vgg16,
    'ResNet-50': resnet50,
    'context module': contextModule,
    'rates 1, 2, 5': parseLayers('3x3 d1,2,5'),
  }).map(([name, layers]) => {
    const { sigma, size, fraction } = effectiveField(layers)[0]!;
    return [name, `${receptiveField(layers).size[0]}`, sigma.toFixed(1), `${size}`, percent(fraction)];
  });
  return markdownTable({ head: ['network', 'field', 'σ', 'holds 95 % of the paths', 'of the field'], rows });
}

/** The tables of the README, by name. */
export const tables: Readonly<Record<string, () => string>> = {
  schedules,
  rules,
  taps,
  ways,
  published,
  effective,
};

/** A text with every table between its markers computed anew. */
export const withTables = (text: string): string =>
  text.replace(
    /<!-- table: (\w+) -->\n[\s\S]*?<!-- end -->/g,
    (_, name: string) => `<!-- table: ${name} -->\n${tables[name]!()}\n<!-- end -->`,
  );
