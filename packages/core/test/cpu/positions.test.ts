import { describe, expect, test } from 'vitest';
import { classesOf, tilesOf } from '../../src/cpu/positions.js';
import { Storage } from '../../src/cpu/values.js';

const point = { kernel: 1, stride: 1, dilation: 1, padBefore: 0, padAfter: 0 };

/** What every output along one axis reads: taps and input positions. */
function readsOf(window: typeof point, transposed: boolean, input: number, output: number) {
  const reads: (readonly (readonly [tap: number, position: number])[])[] = [];
  for (const { axes } of classesOf([point, point, window], transposed, [1, 1, input], [1, 1, output]))
    axes[2].outputs.forEach((o, i) => {
      reads[o] = axes[2].taps.map(({ tap, offset }) => [tap, axes[2].bases[i]! + offset] as const);
    });
  return reads;
}

describe('classes of positions', () => {
  const windows = [
    { kernel: 3, stride: 1, dilation: 2, padBefore: 2, padAfter: 2 },
    { kernel: 2, stride: 2, dilation: 1, padBefore: 0, padAfter: 0 },
    { kernel: 4, stride: 2, dilation: 1, padBefore: 1, padAfter: 1 },
    { kernel: 3, stride: 4, dilation: 6, padBefore: 5, padAfter: 5 },
    { kernel: 2, stride: 3, dilation: 2, padBefore: -1, padAfter: 0 },
  ];

  test.each(windows)(
    'a transposed window reads where the window itself would have been read: %j',
    (window) => {
      const [small, large] = [6, 23];
      const forward = readsOf(window, false, large, small);
      const backward = readsOf(window, true, small, large);
      backward.forEach((reads, o) => {
        const want = forward.flatMap((taps, i) =>
          taps.filter(([, position]) => position === o).map(([tap]) => [tap, i] as const),
        );
        expect(reads).toEqual(want.sort((a, b) => a[0] - b[0]));
      });
    },
  );

  test('transposed by stride 2, a kernel of 4 is two classes of two taps, and the borders', () => {
    const window = { kernel: 4, stride: 2, dilation: 1, padBefore: 1, padAfter: 1 };
    const classes = classesOf([point, point, window], true, [1, 1, 8], [1, 1, 16]);
    expect(classes.map(({ axes }) => [axes[2].taps.length, axes[2].outputs.length])).toEqual([
      [1, 1],
      [2, 7],
      [2, 7],
      [1, 1],
    ]);
  });
});

test('tiles are as equal as possible', () => expect(tilesOf(13, 6)).toEqual([4, 4, 5]));

describe('storage', () => {
  test('views follow what they are part of, into a concatenation of concatenations', () => {
    const [branch, inner, outer] = [8, 16, 32].map((pitch) => new Storage(64, pitch)) as [
      Storage,
      Storage,
      Storage,
    ];
    const view = branch.part(3);
    branch.moveInto(inner, 4);
    inner.moveInto(outer, 8);
    outer.offset = 1000;
    expect([branch.pitch, view.pitch]).toEqual([32, 32]);
    expect([branch.offset, view.offset]).toEqual([1048, 1060]);
    view.use(7);
    expect([outer.from, outer.to]).toEqual([7, 7]);
  });

  test('whoever relies on the pitch of a view keeps all of it where it is', () => {
    const whole = new Storage(64, 8);
    expect(whole.movable).toBe(true);
    whole.part(4).pinned = true;
    expect(whole.movable).toBe(false);
    expect(whole.part(0).movable).toBe(false);
    expect(new Storage(64, 0).movable).toBe(false);
  });
});
