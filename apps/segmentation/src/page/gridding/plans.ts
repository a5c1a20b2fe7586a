/** A network that was trained three times with other dilation rates and nothing else changed. */
export interface Plan {
  readonly id: 'rate1' | 'same2' | 'hdc123';
  /** Of its six 3×3 convolutions after the stem. */
  readonly rates: readonly number[];
  readonly weights: URL;
  /** Measured when it was trained, on the test area, for each random seed. */
  readonly trained: readonly { readonly peakRatio: number; readonly meanIoU: number }[];
}

/** Without dilation; one rate throughout, which leaves gaps; hybrid dilated convolution. The first seed is shipped. */
export const plans: readonly Plan[] = [
  {
    id: 'rate1',
    rates: [1, 1, 1, 1, 1, 1],
    weights: new URL('../../../assets/plan-rate1.safetensors', import.meta.url),
    trained: [{ peakRatio: 0.347, meanIoU: 0.857 }],
  },
  {
    id: 'same2',
    rates: [2, 2, 2, 2, 2, 2],
    weights: new URL('../../../assets/plan-same2.safetensors', import.meta.url),
    trained: [
      { peakRatio: 2.597, meanIoU: 0.876 },
      { peakRatio: 2.394, meanIoU: 0.854 },
    ],
  },
  {
    id: 'hdc123',
    rates: [1, 2, 3, 1, 2, 3],
    weights: new URL('../../../assets/plan-hdc123.safetensors', import.meta.url),
    trained: [
      { peakRatio: 0.439, meanIoU: 0.868 },
      { peakRatio: 0.5, meanIoU: 0.856 },
    ],
  },
];

/** The one whose feature maps show a pattern; the others are shown beside it. */
export const withGaps = 'same2' satisfies Plan['id'];
