import type { DType, Graph, NodeOf } from '@atrous/core';
import { type Launch, launch, type Operand, type Recipe, type View } from '../kernel.js';
import { rowsView } from '../layout.js';
import { bothPlanes, launchPairs, readPair } from './int32.js';

const from: Operand = { input: 0 };
const at = '[this.thread.y][this.thread.x]';

/** Conversion between dtypes: towards zero, saturating, NaN to 0. */
export function cast(node: NodeOf<'cast'>, graph: Graph): Recipe {
  const source = graph.nodes[node.inputs[0]!]!.dtype;
  return { algorithm: 'elementwise', launches: [castLaunch(source, node.dtype, rowsView(node.shape))] };
}

function castLaunch(source: DType, target: DType, view: View): Launch {
  const single = [{ name: 'x', from, view }];
  const pair = [{ name: 'x', from, view: bothPlanes(view) }];
  const readSingle = `let v = x[this.thread.z]${at};`;
  const readBoth = readPair('v', 'x', view[0], 'this.thread.z', at);
  if (target === 'int32')
    return launchPairs({
      output: view,
      arrays: single,
      body: source === 'uint8' ? `const vh = 0;\nconst vl = x[z]${at};` : `const w = x[z]${at};\n${toPair}`,
    });
  if (source === 'int32')
    return target === 'float32'
      ? launch({ output: view, arrays: pair, body: `${readBoth}\nreturn vh * 65536 + vl;` })
      : launch({
          output: view,
          arrays: pair,
          body: `${readBoth}
if (vh > 0 || vl > 255) { vl = 255; }
if (vh < 0) { vl = 0; }
return vl;`,
        });
  if (target === 'float32') return launch({ output: view, arrays: single, body: `${readSingle}\nreturn v;` });
  return launch({
    output: view,
    arrays: single,
    body: `${readSingle}
if (!(v === v)) { v = 0; }
if (v < 0) { v = 0; }
if (v > 255) { v = 255; }
return Math.floor(v);`,
  });
}

/** The float `w` as the pair `v`. */
const toPair = `let t = w;
if (!(t === t)) { t = 0; }
if (t > 2147483520) { t = 0; }
if (t < -2147483648) { t = 0; }
if (t < 0) { t = -Math.floor(-t); } else { t = Math.floor(t); }
let vh = Math.floor(t / 65536);
let vl = t - vh * 65536;
if (w > 2147483520) { vh = 32767; vl = 65535; }
if (w < -2147483648) { vh = -32768; vl = 0; }`;
