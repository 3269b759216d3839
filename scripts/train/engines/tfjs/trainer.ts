// The whole of tfjs: it is what registers the gradients.
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { type Architecture, decoderStart, place } from '../../../../src/model/architecture.js';
import { LABELS } from '../../../../src/model/labels.js';
import { Network, type Training } from '../../../../src/model/network.js';
import type { Weight, Weights } from '../../../../src/model/weights.js';
import type { Recipe } from '../../config.js';
import { VOTES } from '../../data/fer2013.js';
import { initialWeights, linear } from './initialise.js';
import { Muon, VECTORS } from './muon.js';
import { Random } from './random.js';

/** One batch, ready to be learned. */
export interface Batch {
  /** float32 [n, side, side], 0 to 255. */
  pictures: Float32Array;
  side: number;
  /** float32 [n, 7], a distribution each. */
  targets: Float32Array;
  /** float32 [n, 10], shares of the FER+ votes; all zero where there are none. */
  shares: Float32Array;
}

/** How fast batch norm's running moments follow the batches': PyTorch's default. */
const NORM_MOMENTUM = 0.1;

/** The state of a run by name, each tensor in tfjs's layout: what a checkpoint holds. */
type State = Map<string, tf.Variable>;

/**
 * The network in training, on the current tfjs backend: its weights, their moving average, FER+'s classifier and the
 * momenta. Computes what torch/train.py computes; a test compares losses, gradients and some steps.
 */
export class Trainer {
  readonly network: Network;
  readonly #recipe: Recipe;
  /** All that changes from step to step. Names begin with `network/`, `average/`, `momentum/`. */
  readonly #state: State = new Map();
  /** What is learned, by the same names as the momenta. */
  readonly #parameters = new Map<string, tf.Variable>();
  readonly #votes: { weight: tf.Variable; bias: tf.Variable } | undefined;
  readonly #muon: Muon | undefined;
  /** Added to the logits in training: τ · log of each class's share (logit adjustment, torch/learner.py). */
  readonly #offsets: Float32Array;

  /**
   * @param shares the classes' shares of the training images
   * @param init weights to start from; random ones of the recipe's seed without
   */
  constructor(architecture: Architecture, recipe: Recipe, shares: ArrayLike<number>, init?: Weights) {
    this.#recipe = recipe;
    this.#muon = recipe.optimizer.kind === 'muon' ? new Muon(architecture) : undefined;
    this.#offsets = Float32Array.from(shares, (share) => recipe.labels.adjustment * Math.log(share));
    this.network = new Network(architecture, init ?? initialWeights(architecture, recipe.seed));
    if (recipe.labels.ferplus > 0) {
      const inputs = place(architecture)[decoderStart(architecture) - 1]?.outputChannels as number;
      const random = new Random(recipe.seed, 1);
      const values = (size: number) => Float32Array.from({ length: size }, linear(inputs, random));
      this.#votes = {
        weight: variableOf(() => tf.tensor(values(inputs * VOTES.length), [inputs, VOTES.length])),
        bias: variableOf(() => tf.tensor(values(VOTES.length))),
      };
    }
    const learned = [
      ...this.network.variables,
      ...Object.entries(this.#votes ?? {}).map(([name, variable]) => [`votes.${name}`, variable] as const),
    ];
    for (const [name, variable] of learned) {
      this.#state.set(`network/${name}`, variable);
      if (!variable.trainable) continue;
      this.#parameters.set(name, variable);
      this.#state.set(
        `momentum/${name}`,
        variableOf(() => tf.zerosLike(variable), false),
      );
    }
    for (const [name, variable] of this.network.variables)
      this.#state.set(
        `average/${name}`,
        variableOf(() => tf.clone(variable), false),
      );
  }

  /**
   * The loss of a batch (cross-entropy; `total` with FER+'s) and the gradient of the total by parameter.
   * @param followed whether batch norm's running moments take notice
   */
  gradients(
    batch: Batch,
    random: Random,
    followed = true,
  ): { loss: number; total: number; gradients: tf.NamedTensorMap } {
    let loss = 0;
    const names = new Map([...this.#parameters].map(([name, variable]) => [variable.name, name]));
    const { value, grads } = tf.variableGrads(() => {
      const parts = this.#loss(batch, random, followed);
      loss = parts.loss.dataSync()[0] as number;
      return parts.total;
    }, [...this.#parameters.values()]);
    const total = value.dataSync()[0] as number;
    value.dispose();
    const gradients: tf.NamedTensorMap = {};
    for (const [name, gradient] of Object.entries(grads)) gradients[names.get(name) as string] = gradient;
    return { loss, total, gradients };
  }

  #loss(
    { pictures, side, targets, shares }: Batch,
    random: Random,
    followed: boolean,
  ): { loss: tf.Scalar; total: tf.Scalar } {
    const count = targets.length / LABELS.length;
    const { logits, features } = this.network.forward(
      tf.tensor4d(pictures, [count, side, side, 1]),
      this.#training(random, followed),
    );
    const adjusted = tf.add<tf.Tensor2D>(logits, tf.tensor1d(this.#offsets));
    const loss = crossEntropy(adjusted, tf.tensor2d(targets, [count, LABELS.length]));
    if (!this.#votes) return { loss, total: loss };
    const votes = tf.add<tf.Tensor2D>(
      tf.matMul(features, this.#votes.weight as tf.Tensor2D),
      this.#votes.bias,
    );
    const extra = crossEntropy(votes, tf.tensor2d(shares, [count, VOTES.length]));
    return { loss, total: tf.add(loss, tf.mul(extra, this.#recipe.labels.ferplus)) };
  }

  #training(random: Random, followed: boolean): Training {
    return {
      depth: this.#recipe.stochasticDepth,
      mask(shape, share) {
        const size = shape.reduce((product, length) => product * length, 1);
        const kept = Float32Array.from({ length: size }, () =>
          random.uniform() < share ? 0 : 1 / (1 - share),
        );
        return tf.tensor(kept, shape);
      },
      follow: (norm, { mean, variance }, count) => {
        if (!followed) return;
        this.#follow(`${norm}.running_mean`, mean);
        this.#follow(`${norm}.running_var`, tf.mul(variance, count / (count - 1)));
      },
    };
  }

  #follow(name: string, value: tf.Tensor): void {
    const running = this.network.variables.get(name) as tf.Variable;
    running.assign(tf.add(tf.mul(running, 1 - NORM_MOMENTUM), tf.mul(value, NORM_MOMENTUM)));
  }

  /**
   * One step of SGD or Muon (PyTorch's form of momentum and of Nesterov's), and of the average.
   * @param draws a fresh source of the step's draws, the same at every call
   * @returns the labels' loss
   */
  step(batch: Batch, rate: number, step: number, draws: () => Random): number {
    const { sam } = this.#recipe.optimizer;
    return tf.tidy(() => {
      const first = this.gradients(batch, draws());
      const { loss } = first;
      const gradients = sam > 0 ? this.#gradientsAbove(first.gradients, batch, draws()) : first.gradients;
      for (const [name, variable] of this.#parameters)
        this.#move(name, variable, gradients[name] as tf.Tensor, rate);
      this.#updateAverage(step);
      return loss;
    });
  }

  #move(name: string, variable: tf.Variable, gradient: tf.Tensor, rate: number): void {
    const { momentum, nesterov, weightDecay } = this.#recipe.optimizer;
    // Kernels decay; biases and batch norm's vectors do not.
    const kernel = variable.rank > 1;
    const followed = kernel && !this.#muon ? tf.add(gradient, tf.mul(variable, weightDecay)) : gradient;
    const velocity = this.#state.get(`momentum/${name}`) as tf.Variable;
    velocity.assign(tf.add(tf.mul(velocity, momentum), followed));
    const direction = nesterov ? tf.add(followed, tf.mul(velocity, momentum)) : velocity;
    if (!this.#muon) variable.assign(tf.sub(variable, tf.mul(direction, rate)));
    else if (!kernel) variable.assign(tf.sub(variable, tf.mul(direction, VECTORS * rate)));
    else {
      const move = this.#muon.move(name, direction);
      variable.assign(tf.sub(tf.mul(variable, 1 - rate * weightDecay), tf.mul(move, rate)));
    }
  }

  /** Sharpness-aware minimisation: the gradients `sam` away, where the loss is highest (torch/optimizer.py). */
  #gradientsAbove(gradients: tf.NamedTensorMap, batch: Batch, random: Random): tf.NamedTensorMap {
    const squares = Object.values(gradients).map((gradient) => tf.sum<tf.Scalar>(tf.square(gradient)));
    const scale = tf.div(this.#recipe.optimizer.sam, tf.add(tf.sqrt(tf.addN(squares)), 1e-12));
    const before = new Map([...this.#parameters].map(([name, variable]) => [name, tf.clone(variable)]));
    for (const [name, variable] of this.#parameters)
      variable.assign(tf.add(variable, tf.mul(gradients[name] as tf.Tensor, scale)));
    const above = this.gradients(batch, random, false).gradients;
    for (const [name, variable] of this.#parameters) variable.assign(before.get(name) as tf.Tensor);
    return above;
  }

  #updateAverage(step: number): void {
    // The average follows quickly while there is little to average.
    const decay = Math.min(this.#recipe.average, (1 + step) / (10 + step));
    for (const [name, variable] of this.network.variables) {
      const average = this.#state.get(`average/${name}`) as tf.Variable;
      average.assign(tf.add(average, tf.mul(tf.sub(variable, average), 1 - decay)));
    }
  }

  /** The averaged weights in the file's layout: what is evaluated and published. */
  average(): Weights {
    const weights: Weights = new Map();
    for (const name of this.network.variables.keys()) {
      const tensor = toFileLayout(this.#state.get(`average/${name}`) as tf.Variable);
      weights.set(name, weightOf(tensor));
      tensor.dispose();
    }
    return weights;
  }

  /** Everything that `restore` needs to go on. */
  state(): Weights {
    return new Map([...this.#state].map(([name, variable]) => [name, weightOf(variable)]));
  }

  /** @throws RangeError where the state is another run's */
  restore(state: Weights): void {
    for (const [name, variable] of this.#state) {
      const { shape, data } = state.get(name) ?? { shape: [], data: new Float32Array() };
      if (shape.join() !== variable.shape.join()) throw new RangeError(`the checkpoint has no such ${name}`);
      tf.tidy(() => variable.assign(tf.tensor(data, [...shape])));
    }
  }

  dispose(): void {
    for (const variable of this.#state.values()) variable.dispose();
  }
}

/** A variable that starts as a tensor which is then let go. */
const variableOf = (initial: () => tf.Tensor, trainable = true): tf.Variable =>
  tf.tidy(() => tf.variable(initial(), trainable));

/** Mean over the rows of −Σ target · log softmax(logits). */
function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  return tf.neg(tf.mean<tf.Scalar>(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1)));
}

/** The inverse of toTfjsLayout. */
function toFileLayout(tensor: tf.Tensor): tf.Tensor {
  if (tensor.rank === 4) return tf.transpose(tensor, [3, 2, 0, 1]);
  return tensor.rank === 2 ? tf.transpose(tensor) : tf.clone(tensor);
}

const weightOf = (tensor: tf.Tensor): Weight => ({
  shape: tensor.shape,
  data: tensor.dataSync<'float32'>().slice(),
});
