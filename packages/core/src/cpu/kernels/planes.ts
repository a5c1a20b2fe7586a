/** Four positions at once through planes of a row-major value. */
import { type FunctionWriter, i32, type Local } from '../wasm/encoder.js';

/** `positions`, at least 4; `planes`, at least 1, and bytes between them; places of the first position. */
export const planeParameters = ['positions', 'planes', 'stride', 'x', 'y'] as const;

/**
 * Visits positions in fours. The last four may overlap those before, so that nothing beyond the positions is touched.
 *
 * @param visit gets the places of four positions in the first plane of the source and of the target
 */
export function eachFour(
  f: FunctionWriter,
  { positions, x, y }: Record<'positions' | 'x' | 'y', Local>,
  visit: (x: Local, y: Local) => void,
): void {
  const end = f.local(i32);
  const step = f.local(i32);
  const one = () => visit(x, y);
  f.get(positions).const(2).shiftRight().set(end);
  f.repeatIfAny(end, () => {
    one();
    f.advance(x, 16).advance(y, 16);
  });
  f.get(positions).const(3).and();
  f.when(() => {
    // Back by as much as is missing from four.
    f.get(positions).const(3).and().const(4).sub().const(2).shiftLeft().set(step);
    f.advanceBy(x, step).advanceBy(y, step);
    one();
  });
}
