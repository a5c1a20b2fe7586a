import type { Measurement } from './measure.js';
import type { Plan } from './plans.js';

/** The rates of a network, shortly: they repeat. */
export const ratesText = ({ rates }: Plan): string => rates.slice(0, 3).join(', ');

/** A ratio with as many digits as it deserves. */
export const ratioNumber = (ratio: number): string => (ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(1));

export const ratioText = (plan: Plan, { peakRatio }: Measurement): string =>
  `rates ${ratesText(plan)}: peak ratio ${ratioNumber(peakRatio)}`;

/** What a ratio means. */
export function verdict(ratio: number): string {
  if (ratio > 1.5) return 'A pattern that repeats every second cell stands out.';
  return ratio > 1 ? 'Hardly a pattern of period 2.' : 'No pattern of period 2.';
}

/** Scores as the papers write them. */
export const scoreText = (score: number): string => score.toFixed(3).replace(/^0/, '');
