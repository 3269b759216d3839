import type { ConvOptions, Operations, Pads, Shaped } from './operations.js';
import type { DilatedConv, DownsamplePart, Matrix, Plan, Step } from './planner.js';
import type { FoldedTail, RowSplit } from './transposed.js';

/** A function of one tensor, or, with planes, of all groups. */
type Unary<T> = (x: T) => T;
type Layer<T> = (planes: T[]) => T[];

const pads = (rows: Pads['rows'], columns: Pads['columns']): Pads => ({ rows, columns });

/** The network that a plan describes, of whatever operations it is given. The plan's constants are made once. */
export class Layers<T extends Shaped> {
  readonly #plan: Plan;
  readonly #ops: Operations<T>;
  readonly #encoder: Layer<T>[];
  readonly #decoder: Layer<T>[];
  readonly #features: Unary<T> | undefined;
  readonly #tail: ((planes: T[]) => T) | undefined;
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
    const encoded = this.#through(this.#encoder, [pictures]);
    const parts: T[] = [];
    if (this.#features) parts.push(this.#features(this.#ops.mean(this.#joined(encoded))));
    if (this.#tail) parts.push(this.#tail(this.#through(this.#decoder, encoded)));
    return parts.reduce((sum, part) => this.#ops.add(sum, part));
  }

  /**
   * Where the logits come from: each label's evidence by place. Both parts of the head average over the grid, so a
   * map's mean is that label's logit less the features' bias.
   *
   * @param pictures as in `logits`
   * @returns [n, S, S, 7]: module 23's class maps, and the features' (class activation mapping, Zhou et al. 2016)
   *   enlarged to S×S, added
   */
  evidence(pictures: T): T {
    const encoded = this.#through(this.#encoder, [pictures]);
    const parts: T[] = [];
    if (this.#activations) parts.push(this.#activations(this.#joined(encoded)));
    if (this.#maps) parts.push(this.#maps(this.#joined(this.#through(this.#decoder, encoded))));
    return parts.reduce((sum, part) => this.#ops.add(sum, part));
  }

  /** The features' matrix before the average: the bias, which has no place, is left out. */
  #onEveryCell({ inputs, outputs, values }: Matrix): Unary<T> {
    const bias = new Float32Array(outputs);
    const conv = this.#ops.conv({ shape: [1, 1, inputs, outputs], kernel: values, bias }, { linear: true });
    return (x) => this.#ops.enlarge(conv(x), this.#plan.side);
  }

  #joined(planes: T[]): T {
    return planes.length === 1 ? (planes[0] as T) : this.#ops.concat(planes, 3);
  }

  /** Runs layers in turn, letting go of each layer's input when it has been used. */
  #through(layers: Layer<T>[], input: T[]): T[] {
    let planes = input;
    for (const layer of layers) {
      const next = this.#ops.tidy(() => layer(planes));
      if (planes !== input) this.#ops.dispose(planes.filter((plane) => !next.includes(plane)));
      planes = next;
    }
    return planes;
  }

  #layer(step: Step): Layer<T> {
    switch (step.kind) {
      case 'downsample':
        return this.#downsample(step.planes);
      case 'residual':
        return this.#residual(step);
      case 'pointwise':
        return this.#onJoined(step.planes.map((conv) => this.#ops.conv(conv)));
      case 'attention':
        return this.#attention(step);
      case 'upsample':
        return this.#onJoined(step.planes.map((split) => this.#upsample(split)));
    }
  }

  #onJoined(planes: Unary<T>[]): Layer<T> {
    return (input) => {
      const x = this.#joined(input);
      return planes.map((plane) => plane(x));
    };
  }

  #downsample(planes: DownsamplePart[][]): Layer<T> {
    const ops = this.#ops;
    const build = (part: DownsamplePart): ((x: T, pooled: T) => T) => {
      if ('conv' in part) return ops.conv(part.conv, { stride: 2, pad: pads([1, 1], [1, 1]) });
      const { pool, from, to } = part;
      const [scale, shift] = [pool.scale, pool.shift].map((values) => ops.constant(values, [to - from]));
      return (_, pooled) => {
        const whole = from === 0 && to === pooled.shape[3];
        const kept = whole ? pooled : ops.slice(pooled, [0, 0, 0, from], [-1, -1, -1, to - from]);
        return ops.relu(ops.add(ops.mul(kept, scale as T), shift as T));
      };
    };
    const built = planes.map((parts) => parts.map(build));
    return (input) => {
      const x = this.#joined(input);
      const pooled = ops.maxPool(x);
      return built.map((parts) => this.#joined(parts.map((part) => part(x, pooled))));
    };
  }

  #residual({ planes, grid }: Extract<Step, { kind: 'residual' }>): Layer<T> {
    const built = planes.map((convs) => this.#ops.block(convs, grid) ?? this.#block(convs));
    return (input) => {
      const { length } = built;
      const regrouped = input.length === length ? input : this.#ops.split(this.#joined(input), length);
      return regrouped.map((x, p) => (built[p] as Unary<T>)(x));
    };
  }

  #block(planes: DilatedConv[]): Unary<T> {
    const convs = planes.map(({ conv, dilation }, i) =>
      this.#ops.conv(conv, { dilation, linear: i === planes.length - 1 }),
    );
    return (x) =>
      this.#ops.tidy(() => {
        const y = convs.reduce((value, conv) => conv(value), x);
        return this.#ops.relu(this.#ops.add(y, x));
      });
  }

  /** Squeeze by ASPP, then equation 2 of the paper. */
  #attention({ branches, fc1, fc2 }: Extract<Step, { kind: 'attention' }>): Layer<T> {
    const ops = this.#ops;
    const convs = branches.map(({ conv, rate }) => ops.conv(conv, { dilation: [rate || 1, rate || 1] }));
    const [squeeze, excite] = [this.#dense(fc1), this.#dense(fc2)];
    return (input) => {
      const x = this.#joined(input);
      const branched = convs.map((conv) => ops.mean(conv(x)));
      const s = ops.sigmoid(excite(ops.relu(squeeze(ops.concat(branched, 1)))));
      return [ops.mul(x, ops.reshape(s, [-1, 1, 1, x.shape[3] as number]))];
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
  #averagedMaps({ matrix, bias }: FoldedTail): (planes: T[]) => T {
    const ops = this.#ops;
    const inputs = matrix.length / bias.length;
    const weights = ops.constant(matrix, [inputs, bias.length]);
    const offsets = ops.constant(bias, [bias.length]);
    return (planes) => {
      const height = (planes[0] as T).shape[1] as number;
      const sums = planes.map((x) => {
        const all = ops.sum(x);
        const belowFirst = ops.sub(all, ops.sum(ops.slice(x, [0, 0, 0, 0], [-1, 1, -1, -1])));
        const firstColumn = ops.slice(x, [0, 0, 0, 0], [-1, -1, 1, -1]);
        const afterFirst = ops.sub(all, ops.sum(firstColumn));
        const corner = ops.sum(ops.slice(firstColumn, [0, 1, 0, 0], [-1, height - 1, 1, -1]));
        return [all, belowFirst, afterFirst, ops.sub(belowFirst, corner)];
      });
      // Each sum of all planes' channels, then the next sum: the matrix's order.
      const joint = ops.concat(
        [0, 1, 2, 3].flatMap((kind) => sums.map((ofPlane) => ofPlane[kind] as T)),
        1,
      );
      return ops.add(ops.matMul(joint, weights), offsets);
    };
  }
}
