import { samples as pictures, type Sample } from '../segment/samples.js';

/** The pictures of the page, after the one on which the published numbers were measured. */
export const samples: readonly Pick<Sample, 'name' | 'title' | 'url'>[] = [
  {
    name: 'test-area.png',
    title: 'The test area, which training never saw',
    url: new URL('../../../assets/plan-test-area.png', import.meta.url),
  },
  ...pictures,
];
