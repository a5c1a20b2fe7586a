/** From the fused graph to operations: every value in the layout that its user wants. */

import type { HostValue } from '../backend/host.js';
import { labelOf, macsOf } from '../backend/plan.js';
import type { FusedGraph, FusedNode } from '../fuse.js';
import type { Constant } from '../graph.js';
import { equalShapes } from '../shape.js';
import { convert } from './convert.js';
import type { Engine } from './engine.js';
import { hostOperation } from './host.js';
import { lowerings } from './lowerings.js';
import type { Operation } from './operation.js';
import { type Layout, makeValue, reinterpret, sameBytes, type Value } from './values.js';

/**
 * How a node becomes an operation, or another name for bytes that are there; undefined where this way does not fit the
 * node.
 */
export type Lowering = (node: FusedNode, index: number, context: Lowered) => Operation | Value | undefined;

/** The operations of a graph in order, and where its inputs and outputs are. */
export class Lowered {
  readonly operations: Operation[] = [];
  readonly inputs: readonly Value[];
  readonly outputs: readonly (Value | Constant)[];
  readonly #values: { plain?: Value; channels?: Value }[] = [];

  constructor(
    readonly graph: FusedGraph,
    readonly engine: Engine,
  ) {
    graph.nodes.forEach((node, index) => {
      this.#values.push({});
      if (node.kind === 'input') this.#values[index]!.plain = makeValue('plain', node.shape, node.dtype);
      else if (node.kind === 'reshape') this.#reshape(node, index);
      else if (node.kind !== 'constant') this.#compute(node, index);
    });
    this.inputs = graph.inputs.map((index) => this.#values[index]!.plain!);
    this.outputs = graph.outputs.map((index) => this.constantOf(index) ?? this.value(index, 'plain'));
  }

  #compute(node: FusedNode, index: number): void {
    const result = lowerings[node.kind]?.(node, index, this) ?? hostOperation(node, index, this);
    if (!('storage' in result)) this.add(result);
    const value = 'storage' in result ? result : result.output;
    this.#values[index]![value.layout] = value;
  }

  /** Another name for the same bytes, where that is possible. */
  #reshape(node: FusedNode, index: number): void {
    const source = node.inputs[0]!;
    if (this.constantOf(source)) return;
    const from = this.graph.nodes[source]!.shape;
    const channels = this.#values[source]?.channels;
    // [N, C, H, W] → [N, C, H·W] and back leave channels-last values as they are.
    if (channels && node.shape.length > 2 && equalShapes(from.slice(0, 2), node.shape.slice(0, 2)))
      this.#values[index]!.channels = sameBytes(channels, node.shape);
    else this.#values[index]!.plain = sameBytes(this.value(source, 'plain'), node.shape);
  }

  add(operation: Operation): void {
    this.operations.push(operation);
  }

  /** The constant that a node stands for, through reshapes. */
  constantOf(index: number): Constant | undefined {
    let at = index;
    while (this.graph.nodes[at]!.kind === 'reshape') at = this.graph.nodes[at]!.inputs[0]!;
    const node = this.graph.nodes[at]!;
    return node.kind === 'constant' ? node.value : undefined;
  }

  /** A computed node's value in a layout; converted if it is not there yet. */
  value(index: number, layout: Layout): Value {
    const known = this.#values[index]!;
    const there = known[layout];
    if (there !== undefined) return there;
    const from = known.plain ?? known.channels ?? this.#copyConstant(index);
    if (from.layout === layout) return from;
    const same = reinterpret(from, layout);
    if (same !== undefined) {
      known[layout] = same;
      return same;
    }
    const operation = convert(from, layout, this.engine, this.label(index));
    this.add(operation);
    known[layout] = operation.output;
    return operation.output;
  }

  /** A constant that is used as data, in the program's memory. */
  #copyConstant(index: number): Value {
    const constant = this.constantOf(index)!;
    const { shape, dtype } = this.graph.nodes[index]!;
    const output = makeValue('plain', shape, dtype);
    const operands = [{ data: constant.data, shape }];
    this.add({
      name: this.label(index),
      algorithm: 'copy',
      macs: 0,
      inputs: [],
      output,
      operands,
      run: ([source], into) => into.set(source!.data),
    });
    this.#values[index]!.plain = output;
    return output;
  }

  /** Whether a node's value is there in a layout without a conversion. */
  has(index: number, layout: Layout): boolean {
    return this.#values[index]![layout] !== undefined;
  }

  /** What a JavaScript kernel reads: a constant's own data, or a row-major value. */
  operand(index: number): Value | HostValue {
    const constant = this.constantOf(index);
    return constant
      ? { data: constant.data, shape: this.graph.nodes[index]!.shape }
      : this.value(index, 'plain');
  }

  label(index: number): string {
    return labelOf(this.graph.nodes[index]!, index);
  }

  macs(node: FusedNode): number {
    return macsOf(this.graph, node);
  }
}
