import * as tf from '@tensorflow/tfjs-core';
import { Layers } from './layers.js';
import type { Plan } from './planner.js';
import { TfjsOperations } from './tfjs-operations.js';
import { valuesOf } from './values.js';

/** A plan, ready to run. */
export interface PlanRunner {
  /**
   * @param pictures float32 [n, S, S], 0 to 255: crops enlarged to the plan's side
   * @returns float32 [n, 7] logits
   */
  run(pictures: Float32Array, count: number): Float32Array;
  /**
   * @param pictures as in `run`
   * @returns float32 [n, S, S, 7]: `Layers.evidence`
   */
  evidence(pictures: Float32Array, count: number): Float32Array;
  dispose(): void;
}

/** Runs a plan on tfjs's wasm backend, operation by operation. */
export class Executor implements PlanRunner {
  readonly #plan: Plan;
  readonly #operations = new TfjsOperations();
  readonly #layers: Layers<tf.Tensor>;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#layers = new Layers(plan, this.#operations);
  }

  run(pictures: Float32Array, count: number): Float32Array {
    return valuesOf(() => this.#layers.logits(this.#normalised(pictures, count)));
  }

  evidence(pictures: Float32Array, count: number): Float32Array {
    return valuesOf(() => this.#layers.evidence(this.#normalised(pictures, count)));
  }

  dispose(): void {
    this.#operations.disposeConstants();
  }

  #normalised(pictures: Float32Array, count: number): tf.Tensor4D {
    const { side, input } = this.#plan;
    const scaled = pictures.map((value) => (value / 255 - input.mean) / input.deviation);
    return tf.tensor4d(scaled, [count, side, side, 1]);
  }
}
