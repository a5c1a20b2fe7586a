/** One row per op: the generator that makes its recipe. */
import type { Graph, NodeOf } from '@atrous/core';
import type { FusedNode } from '@atrous/core/backend';
import type { Recipe } from './kernel.js';
import { argmax } from './kernels/argmax.js';
import { cast } from './kernels/cast.js';
import { concat } from './kernels/concat.js';
import { type ConvNode, conv } from './kernels/conv.js';
import { type ConvTransposeNode, convTranspose } from './kernels/conv-transpose.js';
import { groupNorm } from './kernels/group-norm.js';
import { type LayoutNode, layout } from './kernels/layout.js';
import { pointwise } from './kernels/pointwise.js';
import { pointwiseInt32 } from './kernels/pointwise-int32.js';
import { adaptivePool, type PoolNode, pool } from './kernels/pool.js';
import { reduce } from './kernels/reduce.js';
import { type ResizeNode, resize } from './kernels/resize.js';
import { softmax } from './kernels/softmax.js';

/**
 * The launches that compute a node, which must be supported (see supported.ts).
 *
 * @param quads whether a thread may give four values at once
 */
export function lower(node: FusedNode, graph: Graph, quads = false): Recipe {
  switch (node.kind) {
    case 'unary':
    case 'clip':
    case 'binary':
      return node.dtype === 'int32' ? pointwiseInt32(node, graph) : pointwise(node, graph);
    case 'conv':
      return conv(node as ConvNode, graph, quads);
    case 'convTranspose':
      return convTranspose(node as ConvTransposeNode, graph);
    case 'pool':
      return pool(node as PoolNode, graph);
    case 'adaptivePool':
      return adaptivePool(node, graph);
    case 'pad':
    case 'slice':
    case 'broadcast':
    case 'transpose':
    case 'depthToSpace':
    case 'spaceToDepth':
      return layout(node as LayoutNode, graph);
    case 'resize':
      return resize(node as ResizeNode, graph);
    case 'concat':
      return concat(node as NodeOf<'concat'>, graph);
    case 'softmax':
      return softmax(node as NodeOf<'softmax'>, graph);
    case 'argmax':
      return argmax(node as NodeOf<'argmax'>, graph);
    case 'reduce':
      return reduce(node, graph);
    case 'groupNorm':
      return groupNorm(node, graph);
    case 'cast':
      return cast(node, graph);
    case 'input':
    case 'constant':
    case 'reshape':
      return { algorithm: 'none', launches: [] };
  }
}
