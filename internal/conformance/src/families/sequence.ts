import { type Block, meshnet, type TcnOptions, tcn, tcnBlock, tcnParameters, wavenet } from '@atrous/blocks';
import cases from '../../golden/blocks/sequence.json' with { type: 'json' };
import { family } from '../block-cases.js';

/** A TCN whose weights come as PyTorch trains them, with weight normalisation. */
function tcnWeightNorm(options: TcnOptions): Block {
  const folded = tcn(options);
  const parameters = Object.entries(folded.parameters).flatMap(([name, parameter]) =>
    /conv[12]\.weight$/.test(name)
      ? [
          [
            `${name}_g`,
            { ...parameter, shape: parameter.shape.map((n, axis) => (axis === 0 ? n : 1)) },
          ] as const,
          [`${name}_v`, parameter] as const,
        ]
      : [[name, parameter] as const],
  );
  return {
    parameters: Object.fromEntries(parameters),
    apply: (given, x) => folded.apply(tcnParameters(given), x),
  };
}

export const sequence = family(cases, { meshnet, tcn, tcnBlock, tcnWeightNorm, wavenet });
