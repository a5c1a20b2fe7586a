import { expose, transfer } from 'comlink';
import { analyse, figure, reach } from './analysis.js';
import { suggest } from './suggestions.js';

/** What the page may ask of its worker. */
const api = {
  analyse,
  suggest,
  figure,
  reach(...question: Parameters<typeof reach>) {
    const answer = reach(...question);
    return transfer(answer, [
      answer.levels.buffer,
      ...(answer.neighbour ? [answer.neighbour.levels.buffer] : []),
    ]);
  },
};

export type Api = typeof api;

expose(api);
