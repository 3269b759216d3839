import type { ConvOptions, Operations, Pads, Shaped, Unary } from './operations.js';
import type { Matrix, Plan, Step, StepOf } from './planner.js';
import type { FoldedTail, RowSplit } from './transposed.js';

const pads = (rows: Pads['rows'], columns: Pads['columns']): Pads => ({ rows, columns });

/** The network that a plan describes, of whatever operations it is given. The plan's constants are made once. */
export class Layers<T extends Shaped> {
  readonly #plan: Plan;
  readonly #ops: Operations<T>;
  readonly #encoder: Unary<T>[];
  readonly #decoder: Unary<T>[];
  readonly #features: Unary<T> | undefined;
  readonly #tail: Unary<T> | undefined;
  readonly #maps: Unary<T> | undefined;
  readonly #activations: Unary<T> | undefined;

  constructor(plan: Plan, ops: Operations<T>) {
    this.#plan = plan;
    this.#ops = ops;
    this.#encoder = plan.encoder.map((step) => this.#layer(step));
    this.#decoder = plan.decoder.map((step) => this.#layer(step));
    this.#features = plan.features && this.#dense(plan.features);
    this.#tail = plan.tail && this.#averagedMaps(plan.tail);
    this.#maps = plan.maps && this.#upsample(plan.maps, { linear: true });
    this.#activations = plan.features && this.#onEveryCell(plan.features);
  }

  /**
   * @param pictures [n, S, S, 1], normalised
   * @returns [n, 7] logits
   */
  logits(pictures: T): T {
    const encoded = this.#through(this.#encoder, pictures);
    const parts: T[] = [];
    if (this.#features) parts.push(this.#features(this.#ops.mean(encoded)));
    if (this.#tail) parts.push(this.#tail(this.#through(this.#decoder, encoded)));
    return parts.reduce((sum, part) => this.#ops.add(sum, part));
  }

  /**
   * Where the logits come from: each label's evidence by place. Both parts of the head average over the grid, so a
   * map's mean is that label's logit less the features' bias.
   *
   * @param pictures as in `logits`
   * @returns [n, S, S, 7]: module 23's class maps, and the features' (class activation mapping, Zhou et al. 2016)
   *   enlarged to S×S, added; one of them where the logits have but one part
   */
  evidence(pictures: T): T {
    const encoded = this.#through(this.#encoder, pictures);
    const parts: T[] = [];
    if (this.#activations) parts.push(this.#activations(encoded));
    if (this.#maps) parts.push(this.#maps(this.#through(this.#decoder, encoded)));
    return parts.reduce((sum, part) => this.#ops.add(sum, part));
  }

  /** The features' matrix before the average: the bias, which has no place, is left out. */
  #onEveryCell({ inputs, outputs, values }: Matrix): Unary<T> {
    const bias = new Float32Array(outputs);
    const conv = this.#ops.conv({ shape: [1, 1, inputs, outputs], kernel: values, bias }, { linear: true });
    return (x) => this.#ops.enlarge(conv(x), this.#plan.side);
  }

  /** Runs layers in turn, letting go of each layer's input when it has been used. */
  #through(layers: Unary<T>[], input: T): T {
    let x = input;
    for (const layer of layers) {
      const next = this.#ops.tidy(() => layer(x));
      if (x !== input) this.#ops.dispose(x);
      x = next;
    }
    return x;
  }

  #layer(step: Step): Unary<T> {
    const { whole } = this.#ops;
    switch (step.kind) {
      case 'downsample':
        return whole?.downsample(step) ?? this.#downsample(step);
      case 'residual':
        return whole?.residual(step) ?? this.#residual(step);
      case 'pointwise':
        return this.#ops.conv(step.conv);
      case 'attention':
        return this.#attention(step);
      case 'upsample':
        return whole?.upsample(step.split) ?? this.#upsample(step.split);
    }
  }

  #downsample({ conv, pool }: StepOf<'downsample'>): Unary<T> {
    const ops = this.#ops;
    const convolved = ops.conv(conv, { stride: 2, pad: pads([1, 1], [1, 1]) });
    const [scale, shift] = [pool.scale, pool.shift].map((values) => ops.constant(values, [values.length]));
    return (x) => {
      const pooled = ops.add(ops.mul(ops.maxPool(x), scale as T), shift as T);
      return ops.concat([convolved(x), ops.relu(pooled)], 3);
    };
  }

  #residual({ convs }: StepOf<'residual'>): Unary<T> {
    const operations = convs.map(({ conv, groups, dilation }, i) =>
      this.#ops.conv(conv, { groups, dilation, linear: i === convs.length - 1 }),
    );
    return (x) => {
      const y = operations.reduce((value, operation) => operation(value), x);
      return this.#ops.relu(this.#ops.add(y, x));
    };
  }

  /** Squeeze by ASPP, then equation 2 of the paper. */
  #attention({ branches, fc1, fc2 }: StepOf<'attention'>): Unary<T> {
    const ops = this.#ops;
    const convs = branches.map(({ conv, rate }) => ops.conv(conv, { dilation: [rate || 1, rate || 1] }));
    const [squeeze, excite] = [this.#dense(fc1), this.#dense(fc2)];
    return (x) => {
      const branched = convs.map((conv) => ops.mean(conv(x)));
      const s = ops.sigmoid(excite(ops.relu(squeeze(ops.concat(branched, 1)))));
      return ops.mul(x, ops.reshape(s, [-1, 1, 1, x.shape[3] as number]));
    };
  }

  #upsample({ even, odd }: RowSplit, options: ConvOptions = {}): Unary<T> {
    const ops = this.#ops;
    const evenRows = ops.conv(even, { ...options, pad: pads([0, 0], [0, 1]) });
    const oddRows = ops.conv(odd, { ...options, pad: pads([0, 1], [0, 1]) });
    const channels = even.shape[3] / 2;
    return (x) => {
      const [, height, width] = x.shape as [number, number, number];
      // [n, h, w, 2c] is [n · h, a whole output row]: putting the two side by side interleaves the rows.
      const rows = [evenRows(x), oddRows(x)].map((y) => ops.reshape(y, [-1, 2 * width * channels]));
      return ops.reshape(ops.concat(rows, 1), [-1, 2 * height, 2 * width, channels]);
    };
  }

  #dense({ inputs, outputs, values, bias }: Matrix): Unary<T> {
    const matrix = this.#ops.constant(values, [inputs, outputs]);
    const offsets = bias && this.#ops.constant(bias, [outputs]);
    return (x) => {
      const y = this.#ops.matMul(x, matrix);
      return offsets ? this.#ops.add(y, offsets) : y;
    };
  }

  /** Module 23 and its global average at once: the full-size maps are never built. */
  #averagedMaps({ matrix, bias }: FoldedTail): Unary<T> {
    const ops = this.#ops;
    const weights = ops.constant(matrix, [matrix.length / bias.length, bias.length]);
    const offsets = ops.constant(bias, [bias.length]);
    return (x) => {
      const height = x.shape[1] as number;
      const all = ops.sum(x);
      const belowFirst = ops.sub(all, ops.sum(ops.slice(x, [0, 0, 0, 0], [-1, 1, -1, -1])));
      const firstColumn = ops.slice(x, [0, 0, 0, 0], [-1, -1, 1, -1]);
      const afterFirst = ops.sub(all, ops.sum(firstColumn));
      const corner = ops.sum(ops.slice(firstColumn, [0, 1, 0, 0], [-1, height - 1, 1, -1]));
      const sums = ops.concat([all, belowFirst, afterFirst, ops.sub(belowFirst, corner)], 1);
      return ops.add(ops.matMul(sums, weights), offsets);
    };
  }
}
