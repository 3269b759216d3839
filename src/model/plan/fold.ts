import { checkFinite, type Weight, type Weights } from '../weights.js';

/** A convolution as a backend wants it: kernel float32 HWIO, one bias an output channel. */
export interface Conv {
  shape: readonly [height: number, width: number, inputs: number, outputs: number];
  kernel: Float32Array;
  bias: Float32Array;
}

/** y = scale · x + shift, a pair of numbers a channel. */
export interface Affine {
  scale: Float32Array;
  shift: Float32Array;
}

/** Reads one weight; the weights have been checked against the architecture, so it is there. */
export const take = (weights: Weights, name: string): Weight => weights.get(name) as Weight;

/**
 * Batch norm by its running statistics, as one multiplication and one addition a channel.
 * @throws {MienError} `invalid_weights` where these are not finite
 */
export function normAffine(weights: Weights, name: string, epsilon: number): Affine {
  const [gain, offset, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
    (field) => take(weights, `${name}.${field}`).data,
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const scale = gain.map((g, c) => g / Math.sqrt((variance[c] as number) + epsilon));
  const shift = offset.map((o, c) => o - (mean[c] as number) * (scale[c] as number));
  for (const folded of [scale, shift]) checkFinite(`${name}, folded,`, folded);
  return { scale, shift };
}

/** A convolution of the weights file (OIHW), or a transposed one (IOHW), as HWIO. */
export function readConv(weights: Weights, name: string, transposed = false): Conv {
  const { shape, data } = take(weights, `${name}.weight`);
  const [first, second, height, width] = shape as [number, number, number, number];
  const [inputs, outputs] = transposed ? [first, second] : [second, first];
  // How far apart neighbours stand in HWIO, by the file's two first dimensions.
  const [firstStep, secondStep] = transposed ? [outputs, 1] : [1, outputs];
  const kernel = new Float32Array(data.length);
  const taps = height * width;
  let at = 0;
  for (let a = 0; a < first; a++)
    for (let b = 0; b < second; b++)
      for (let tap = 0; tap < taps; tap++)
        kernel[tap * inputs * outputs + a * firstStep + b * secondStep] = data[at++] as number;
  const bias = weights.get(`${name}.bias`)?.data ?? new Float32Array(outputs);
  return { shape: [height, width, inputs, outputs], kernel, bias };
}

/**
 * The convolution followed by the affine map, as one convolution.
 * @throws {MienError} `invalid_weights` where its kernel is not finite; before a batch norm no convolution has a bias
 */
export function foldAffine({ shape, kernel, bias }: Conv, { scale, shift }: Affine): Conv {
  const outputs = shape[3];
  const folded = new Float32Array(kernel.length);
  for (let row = 0; row < kernel.length; row += outputs)
    for (let o = 0; o < outputs; o++) folded[row + o] = (kernel[row + o] as number) * (scale[o] as number);
  checkFinite('a kernel with its batch norm', folded);
  return {
    shape,
    kernel: folded,
    bias: bias.map((b, o) => b * (scale[o] as number) + (shift[o] as number)),
  };
}

/** A 1×1 convolution that adds its input to its output: ones are added to the kernel's diagonal. */
export function addIdentity({ shape, kernel, bias }: Conv): Conv {
  const outputs = shape[3];
  return { shape, kernel: kernel.map((k, i) => (i % (outputs + 1) === 0 ? k + 1 : k)), bias };
}

/**
 * A grouped convolution (kernel [height, width, inputs / groups, outputs]) with fewer, wider groups, `to` of them, a divisor
 * of `groups`: the kernels of groups that become one stand on its diagonal, with zeros around.
 */
export function mergeGroups({ shape, kernel, bias }: Conv, groups: number, to: number): Conv {
  const merged = groups / to;
  if (merged === 1) return { shape, kernel, bias };
  const [height, width, inputs, outputs] = shape;
  const perGroup = outputs / groups;
  const wide = new Float32Array(kernel.length * merged);
  for (let row = 0; row < height * width * inputs; row++) {
    const [tap, input] = [Math.floor(row / inputs), row % inputs];
    for (let o = 0; o < outputs; o += perGroup) {
      const place = (o / perGroup) % merged;
      const wideRow = (tap * merged + place) * inputs + input;
      const from = row * outputs + o;
      wide.set(kernel.subarray(from, from + perGroup), wideRow * outputs + o);
    }
  }
  return { shape: [height, width, inputs * merged, outputs], kernel: wide, bias };
}

/** One kernel tap, float32 [inputs, outputs]. */
export function tapOf({ shape, kernel }: Conv, y: number, x: number): Float32Array {
  const [, width, inputs, outputs] = shape;
  const start = (y * width + x) * inputs * outputs;
  return kernel.subarray(start, start + inputs * outputs);
}
