import * as tf from '@tensorflow/tfjs-core';
import type { PlanRunner } from './executor.js';
import { Graph } from './graph.js';
import { Layers } from './layers.js';
import type { Plan } from './planner.js';
import { valuesOf } from './values.js';

/** A graph that libtensorflow has loaded. */
export interface LoadedGraph {
  /** Computes the named outputs from tensors by the names of the inputs. */
  run(inputs: Record<string, tf.Tensor>, outputs: string[]): tf.Tensor[];
  dispose(): void;
}

/**
 * Runs a plan as one graph. The graph has the network once a core, with the same constants: each computes its share of
 * the crops, in one thread, which leaves no core waiting for another within an operation.
 */
export class GraphRunner implements PlanRunner {
  readonly #side: number;
  /** Into how many parts crops may be divided: libtensorflow makes an executor for each. */
  readonly #divisions: number[];
  readonly #graph: LoadedGraph;

  /** @param parts copies of the network, for as many cores; `grouped`: whether convolutions may have groups */
  constructor(
    plan: Plan,
    load: (savedModel: Uint8Array) => LoadedGraph,
    { parts, grouped }: { parts: number; grouped: boolean },
  ) {
    this.#side = plan.side;
    this.#divisions = [1, 2, 4, 8].filter((division) => division < parts).concat(parts);
    this.#graph = load(encode(plan, parts, grouped));
    // Executors, and each thread's kernels, are made when first used: some 0.2 s that no request should wait for.
    for (const division of this.#divisions) {
      this.run(new Float32Array(division * plan.side * plan.side), division);
    }
  }

  run = (pictures: Float32Array, count: number) => this.#run('logits', pictures, count);
  evidence = (pictures: Float32Array, count: number) => this.#run('evidence', pictures, count);

  #run(output: string, pictures: Float32Array, count: number): Float32Array {
    const cells = this.#side * this.#side;
    const parts = this.#divisions.filter((division) => division <= count).at(-1) ?? 1;
    return valuesOf(() => {
      const inputs: Record<string, tf.Tensor> = {};
      for (let part = 0; part < parts; part++) {
        const [from, to] = [part, part + 1].map((end) => Math.floor((end * count) / parts)) as [
          number,
          number,
        ];
        const own = pictures.subarray(from * cells, to * cells);
        inputs[`pictures${part}`] = tf.tensor4d(own, [to - from, this.#side, this.#side, 1]);
      }
      const names = Array.from({ length: parts }, (_, part) => `${output}${part}`);
      return tf.concat(this.#graph.run(inputs, names), 0);
    });
  }

  dispose(): void {
    this.#graph.dispose();
  }
}

/** Inputs `pictures0`, … of float32 [n, S, S, 1], 0 to 255, and for each outputs `logits0`, … and `evidence0`, … */
function encode(plan: Plan, parts: number, grouped: boolean): Uint8Array {
  const { side, input } = plan;
  const graph = new Graph({ grouped });
  const layers = new Layers(plan, graph);
  const scale = graph.constant(Float32Array.of(1 / (255 * input.deviation)), []);
  const shift = graph.constant(Float32Array.of(-input.mean / input.deviation), []);
  for (let part = 0; part < parts; part++) {
    const pictures = graph.input(`pictures${part}`, [-1, side, side, 1]);
    const normalised = graph.add(graph.mul(pictures, scale), shift);
    graph.output(`logits${part}`, layers.logits(normalised));
    graph.output(`evidence${part}`, layers.evidence(normalised));
  }
  return graph.encode();
}
