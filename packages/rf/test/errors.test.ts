import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { repairDilations, searchDilations, stridesToDilation, tradeoffs } from '../src/design.js';
import {
  coverage,
  effectiveKernel,
  fieldGrowth,
  holeTest,
  hybridDilation,
  inputRegion,
  type Layer,
  type Network,
  needed,
  outputSize,
  pathCounts,
  period,
  type ReachGraph,
  RfError,
  receptiveField,
  tileHalo,
  tileOverhead,
} from '../src/index.js';
import { outputRegion, pathFields, sharedInputs } from '../src/influence.js';

/** For input that the types forbid. */
const wrong = (value: unknown) => value as never;

const graphOf = (nodes: ReachGraph['nodes']): ReachGraph => ({
  nodes,
  inputs: [0],
  outputs: [nodes.length - 1],
});
const graph = (...nodes: ReachGraph['nodes']): ReachGraph => graphOf(nodes);

const windowed = (axis: object): ReachGraph =>
  graph(
    { inputs: [] },
    {
      inputs: [0],
      name: 'conv',
      reach: {
        type: 'window',
        axes: [wrong({ kernel: 3, stride: 1, dilation: 1, padBefore: 0, padAfter: 0, ...axis })],
      },
    },
  );

describe('bad input gets an error that says what to do', () => {
  test.each<[string, () => unknown]>([
    [
      'receptiveField: layer 2 ("conv3"): dilation must be a positive integer but is 0 (kernel 3, stride 1)',
      () =>
        receptiveField([{ kernel: 3 }, { kernel: 3 }, { kernel: 3, stride: 1, dilation: 0, name: 'conv3' }]),
    ],
    [
      'receptiveField: layer 0: kernel must be a positive integer but is NaN',
      () => receptiveField([{ kernel: NaN }]),
    ],
    [
      'receptiveField: layer 0: kernel must be a positive integer but is undefined',
      () => receptiveField([wrong({})]),
    ],
    [
      'receptiveField: layer 0: stride must be a positive integer but is -1 (kernel 3)',
      () => receptiveField([{ kernel: 3, stride: -1 }]),
    ],
    [
      'receptiveField: layer 0: dilation must be a positive integer but is 1.5 (kernel 3)',
      () => receptiveField([{ kernel: 3, dilation: 1.5 }]),
    ],
    [
      'receptiveField: layer 0: dilation must be at most 2147483647 but is 1e+300 (kernel 3)',
      () => receptiveField([{ kernel: 3, dilation: 1e300 }]),
    ],
    [
      'receptiveField: layer 0: kernel [3, 3, 3] has 3 entries but there are 2 spatial axes; give one number, or 2',
      () => receptiveField([{ kernel: [3, 3, 3] }], { ndim: 2 }),
    ],
    [
      'receptiveField: layer 0: padding must be an integer of at least 0 but is -1',
      () => receptiveField([{ kernel: 3, padding: -1 }]),
    ],
    [
      "padding 'same' needs stride 1 but stride is 2; use 'same-upper'",
      () => receptiveField([{ kernel: 3, stride: 2, padding: 'same' }]),
    ],
    [
      "padding 'same-upper' with stride 2 depends on the map; give inputSize",
      () => receptiveField([{ kernel: 3, stride: 2, padding: 'same-upper' }]),
    ],
    [
      'padding by name must be "same" or "valid" or "causal" or "same-upper" or "same-lower" but is "SAME"',
      () => receptiveField([{ kernel: 3, padding: wrong('SAME') }]),
    ],
    [
      'padding of a transposed convolution must be "numbers" or "valid" but is "same"',
      () => receptiveField([{ type: 'convTranspose', kernel: 2, padding: 'same' }]),
    ],
    [
      'receptiveField: layer 0: type must be "conv" or "maxPool"',
      () => receptiveField([wrong({ type: 'lstm' })]),
    ],
    [
      'layer 0: mode must be "nearest" or "linear" but is "cubic"',
      () => receptiveField([wrong({ type: 'resize', scale: 2, mode: 'cubic' })]),
    ],
    [
      'layer 0: paddingMode must be "zeros" or',
      () => receptiveField([wrong({ kernel: 3, paddingMode: 'wrap' })]),
    ],
    [
      'node 1 must have inputs, a list of node indices, but has undefined',
      () => receptiveField(graph({ inputs: [] }, wrong({}))),
    ],
    [
      'node 0: shape must be an integer of at least 0 but is NaN',
      () => receptiveField(graph({ inputs: [], shape: [1, 1, NaN] }, { inputs: [0] })),
    ],
    [
      'receptiveField: layer 0: a resize needs either scale or size',
      () => receptiveField([{ type: 'resize' }]),
    ],
    [
      'receptiveField: layer 0: scale must be a positive number but is 0',
      () => receptiveField([{ type: 'resize', scale: 0 }]),
    ],
    [
      'a resize with size depends on the map; give inputSize',
      () => receptiveField([{ type: 'resize', size: 10 }]),
    ],
    [
      'receptiveField: layer 0: parallel must be a list of branches but is []',
      () => receptiveField([{ parallel: [] }]),
    ],
    [
      'receptiveField: layer 0, branch 1, layer 0: kernel must be',
      () => receptiveField([{ parallel: [[], [{ kernel: 0 }]] }]),
    ],
    [
      'receptiveField: layer 1 must be a layer but is null',
      () => receptiveField([{ kernel: 1 }, wrong(null)]),
    ],
    [
      'receptiveField: a network is a list of layers or a graph { nodes, inputs, outputs }, but this is undefined',
      () => receptiveField(wrong(undefined)),
    ],
    [
      'receptiveField: ndim must be a positive integer but is 0',
      () => receptiveField([{ kernel: 3 }], { ndim: 0 }),
    ],
    [
      'at most 4 spatial axes can be analysed but there are 5',
      () => receptiveField([{ kernel: 3 }], { ndim: 5 }),
    ],
    [
      'outputSize: layer 0: does not fit: its input is 5×5 and its output would be -1×-1; use more padding',
      () => outputSize([{ kernel: 3, dilation: 3 }], 5),
    ],
    [
      'branches end with different sizes, 8×8 and 4×4; give them the same stride',
      () => outputSize([{ parallel: [[], [{ kernel: 2, stride: 2 }]] }], 8),
    ],
    [
      'receptiveField: node 1 has input 1; nodes must be in topological order, so an input is an index from 0 to 0 (is there a cycle?)',
      () => receptiveField(graph({ inputs: [] }, { inputs: [1] })),
    ],
    [
      'receptiveField: node 1 ("late") has input 2; nodes must be in topological order',
      () => receptiveField(graph({ inputs: [] }, { inputs: [2], name: 'late' }, { inputs: [0] })),
    ],
    ['receptiveField: node 1 has input -1', () => receptiveField(graph({ inputs: [] }, { inputs: [-1] }))],
    [
      'receptiveField: node 1 ("conv"): stride must be a positive integer but is 0',
      () => receptiveField(windowed({ stride: 0 })),
    ],
    [
      'receptiveField: node 1 ("conv"): padBefore must be an integer but is NaN',
      () => receptiveField(windowed({ padBefore: NaN })),
    ],
    [
      'receptiveField: node 1 ("conv"): kernel must be at most 2147483647',
      () => receptiveField(windowed({ kernel: 2 ** 40 })),
    ],
    [
      'node 1: the type of a reach must be "window" or "transposed" or "sample" or "everything" but is "magic"',
      () => receptiveField(graph({ inputs: [] }, { inputs: [0], reach: wrong({ type: 'magic' }) })),
    ],
    [
      'node 1: scale must be a number of at least 0',
      () =>
        receptiveField(
          graph(
            { inputs: [] },
            { inputs: [0], reach: { type: 'sample', axes: [{ scale: NaN, offset: 0, taps: 1 }] } },
          ),
        ),
    ],
    [
      'node 2 has 2 spatial axes but earlier nodes 1',
      () =>
        receptiveField(
          graph(
            { inputs: [] },
            { inputs: [0], reach: { type: 'sample', axes: [{ scale: 1, offset: 0, taps: 1 }] } },
            {
              inputs: [1],
              reach: { type: 'sample', axes: [1, 2].map(() => ({ scale: 1, offset: 0, taps: 1 })) },
            },
          ),
        ),
    ],
    [
      'the output (node 1) does not depend on the input (node 0)',
      () => receptiveField(graph({ inputs: [] }, { inputs: [] })),
    ],
    [
      "output must be a position from 0 to 0 in the graph's outputs but is 3",
      () => receptiveField([{ kernel: 3 }], { output: 3 }),
    ],
    [
      'positions exceed 2^53',
      () => receptiveField(Array.from({ length: 60 }, (): Layer => ({ kernel: 2, stride: 2 }))),
    ],
    [
      'pathCounts: path counts of 20000×20000 positions exceed the limit of 16777216; look at one axis',
      () => pathCounts([{ kernel: 2, dilation: 19999 }]),
    ],
    [
      'coverage: node 1 ("globalPool 1") reads everything, so its field is unbounded; give inputSize',
      () => coverage([{ type: 'globalPool' }]),
    ],
    [
      'coverage: output 9 lies outside the map of 8×8',
      () => coverage([{ kernel: 1 }], { inputSize: 8, at: 9 }),
    ],
    ['inputRegion: output must be an integer but is 1.5', () => inputRegion([{ kernel: 1 }], 1.5)],
    [
      'needed: each end of an interval must be an integer but is NaN',
      () => needed([{ kernel: 3 }], [NaN, 1]),
    ],
    ['needed: an interval is [first, last] but this is [3, 1]', () => needed([{ kernel: 3 }], [3, 1])],
    ['needed: axis must be less than 2 but is 2', () => needed([{ kernel: 3 }], [0, 1], 2)],
    ['period: axis must be an integer of at least 0 but is -1', () => period([{ kernel: 3 }], -1)],
    [
      'holeTest: node 3 ("join 3") joins branches; this test is for chains of convolutions and pools, use coverage',
      () => holeTest([{ parallel: [[{ kernel: 3 }], [{ kernel: 5 }]] }]),
    ],
    [
      'holeTest: node 1 ("resize 1") has a reach of type "sample"',
      () => holeTest([{ type: 'resize', scale: 2 }]),
    ],
    ['hybridDilation: rates must be a list of positive integers but is []', () => hybridDilation([])],
    ['hybridDilation: rate 1 must be a positive integer but is 0', () => hybridDilation([1, 0])],
    [
      'tileOverhead: tile must be a positive integer but is 0',
      () => tileOverhead(tileHalo([{ kernel: 3 }]), 0),
    ],
    ['effectiveKernel: dilation must be a positive integer but is 0', () => effectiveKernel(3, 0)],
    [
      'searchDilations: field runs from 9 to 3; give the smaller one first',
      () => searchDilations({ layers: 2, field: [9, 3] }),
    ],
    [
      'searchDilations: at most 64 layers can be searched but layers is 65',
      () => searchDilations({ layers: 65, field: 99 }),
    ],
    [
      'searchDilations: rank must be "evenness" or "cost" but is "x"',
      () => searchDilations({ layers: 2, field: 9, rank: wrong('x') }),
    ],
    [
      'searchDilations: a stride of 8 does not fit on 2 layers',
      () => searchDilations({ layers: 2, field: 9, stride: 8 }),
    ],
    ['repairDilations: rate 0 must be a positive integer but is -2', () => repairDilations([-2])],
    [
      'stridesToDilation: outputStride must be a positive integer but is 0',
      () => stridesToDilation([{ kernel: 3 }], 0),
    ],
    ['tradeoffs: field must be an integer of at least 2 but is 1', () => tradeoffs({ field: 1 })],
  ])('%s', (message, call) => {
    const error = caught(call);
    expect(error).toBeInstanceOf(RfError);
    expect((error as RfError).message).toContain(message);
  });

  test('the error carries the values', () => {
    const error = caught(() => receptiveField([{ kernel: 3, dilation: -2 }])) as RfError;
    expect(error.values).toEqual({ dilation: -2 });
    expect(error.name).toBe('RfError');
  });

  test('lists that contain themselves, and branches nested without end', () => {
    const layers: Layer[] = [{ kernel: 3 }];
    layers.push({ parallel: [layers] });
    expect(() => receptiveField(layers)).toThrow(RfError);
  });

  test('anything at all: an answer or an RfError', () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.array(fc.anything()),
      fc.array(
        fc.dictionary(
          fc.constantFrom('kernel', 'stride', 'dilation', 'padding', 'type', 'parallel', 'scale', 'size'),
          fc.anything(),
        ),
      ),
    );
    fc.assert(
      fc.property(anything, (value) => {
        for (const call of [
          receptiveField,
          coverage,
          fieldGrowth,
          tileHalo,
          pathFields,
          sharedInputs,
          holeTest,
        ] as ((network: Network) => unknown)[]) {
          const error = caught(() => call(value as Network));
          if (error !== undefined) expect(error).toBeInstanceOf(RfError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('graphs with anything in them: an answer or an RfError', () => {
    const number = fc.oneof(
      fc.integer({ min: -2, max: 4 }),
      fc.constantFrom(NaN, Infinity, 1e300, 0.5, undefined, '1'),
    );
    const axis = fc.oneof(
      fc.record(
        { kernel: number, stride: number, dilation: number, padBefore: number, padAfter: number },
        { requiredKeys: [] },
      ),
      fc.record({ scale: number, offset: number, taps: number }, { requiredKeys: [] }),
      fc.anything(),
    );
    const reach = fc.oneof(
      fc.record(
        {
          type: fc.constantFrom('window', 'transposed', 'sample', 'everything', 'other'),
          axes: fc.oneof(fc.array(axis, { maxLength: 2 }), fc.anything()),
        },
        { requiredKeys: [] },
      ),
      fc.anything(),
    );
    const node = fc.oneof(
      fc.record(
        {
          inputs: fc.oneof(fc.array(number, { maxLength: 2 }), fc.anything()),
          reach,
          shape: fc.oneof(fc.array(number), fc.anything()),
          name: fc.anything(),
        },
        { requiredKeys: ['inputs'] },
      ),
      fc.anything(),
    );
    const some = fc.record({
      nodes: fc.array(node, { maxLength: 4 }),
      inputs: fc.array(number, { maxLength: 2 }),
      outputs: fc.array(number, { maxLength: 2 }),
    });
    const calls: ((network: Network) => unknown)[] = [
      receptiveField,
      coverage,
      (network) => coverage(network, { inputSize: 5, maxPositions: 10_000 }),
      tileHalo,
      period,
      (network) => needed(network, [0, 3]),
    ];
    fc.assert(
      fc.property(some, (value) => {
        for (const call of calls) {
          const error = caught(() => call(wrong(value)));
          if (error !== undefined && !(error instanceof RfError)) throw error;
        }
      }),
      { numRuns: 5000 },
    );
  });
});

function caught(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('large networks', () => {
  const chain = (count: number): ReachGraph =>
    graphOf([
      { inputs: [] },
      ...Array.from({ length: count }, (_, i) =>
        i % 2
          ? { inputs: [i, Math.max(i - 1, 0)] }
          : {
              inputs: [i],
              reach: {
                type: 'window' as const,
                axes: [
                  {
                    kernel: i % 4 ? 1 : 3,
                    stride: 1,
                    dilation: 1,
                    padBefore: i % 4 ? 0 : 1,
                    padAfter: i % 4 ? 0 : 1,
                  },
                ],
              },
            },
      ),
    ]);

  test('200,000 nodes are walked without recursion', () => {
    const large = chain(200_000);
    const size = 2 * 50_000 + 1;
    expect(receptiveField(large).size).toEqual([size]);
    expect(needed(large, [0, 0])[0]).toEqual([-50_000, 50_000]);
    expect(period(large)).toBe(1);
    expect(tileHalo(large).axes[0]).toMatchObject({ before: 50_000, after: 50_000 });
    expect(pathFields(large)[0]).toEqual({ smallest: 1, largest: size });
    expect(fieldGrowth(large).length).toBe(200_001);
    expect(inputRegion(large, 7)).toEqual([[7 - 50_000, 7 + 50_000]]);
  });

  test('200,000 layers in a list', () => {
    const layers = Array.from({ length: 200_000 }, (): Layer => ({ kernel: 3, padding: 1 }));
    expect(receptiveField(layers).size).toEqual([400_001, 400_001]);
  });

  test('more paths than float64 holds keep their shape', () => {
    const residual = Array.from(
      { length: 600 },
      (): Layer => ({ parallel: [[{ kernel: 3, padding: 1 }], []] }),
    );
    const { paths, fraction, axes } = coverage(residual, { ndim: 1 });
    expect(fraction).toBe(1);
    expect(axes[0]!.size).toBe(1201);
    expect(paths.total).toBe(Infinity);
    // each block adds 2·(1/4)·1 = 1/2 to the variance, so the entropy is that of a Gaussian: ½ log(2πe·300)
    expect(paths.entropy).toBeCloseTo(0.5 * Math.log(2 * Math.PI * Math.E * 300), 3);
    const { exponent } = pathCounts(residual, { ndim: 1 });
    expect(exponent).toBeGreaterThan(0);
  });

  test('long kernels cost a logarithm', () => {
    const counts = pathCounts([{ kernel: 100_000 }, { kernel: 70_001 }], { ndim: 1 });
    expect(counts.values.length).toBe(170_000);
    expect(counts.values[0]).toBe(1);
    expect(counts.values[85_000]).toBe(70_001);
    expect(coverage([{ kernel: 1001, dilation: 3 }, { kernel: 3 }], { ndim: 1 })).toMatchObject({
      fraction: 1,
      paths: { min: 1, max: 1 },
    });
  });

  test('kernels that would have to be followed tap by tap are refused', () => {
    const long = 2 ** 30 - 1;
    const transposed = {
      type: 'transposed' as const,
      axes: [{ kernel: long, stride: long - 1, dilation: 1, padBefore: 0, padAfter: 0 }],
    };
    expect(() => needed(graph({ inputs: [] }, { inputs: [0], reach: transposed }), [0, 1])).toThrow(RfError);
    const sample = { type: 'sample' as const, axes: [{ scale: 1, offset: 0, taps: long }] };
    expect(() =>
      coverage(graph({ inputs: [], shape: [1, 1, 4] }, { inputs: [0], reach: sample, shape: [1, 1, 4] }), {
        inputSize: 4,
      }),
    ).toThrow(RfError);
  });

  test('huge dilations: the field is known, counting them is refused', () => {
    const layers: Layer[] = [{ kernel: 3, dilation: 2 ** 29 }];
    expect(receptiveField(layers).size).toEqual([2 ** 30 + 1, 2 ** 30 + 1]);
    expect(() => coverage(layers)).toThrow('exceed the limit of 16777216');
    expect(() => outputRegion(layers, 0, { ndim: 1 })).toThrow('exceed the limit of 16777216');
    expect(inputRegion(layers, 0, { ndim: 1 })).toEqual([[0, 2 ** 30]]);
  });
});
