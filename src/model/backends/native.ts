import * as tf from '@tensorflow/tfjs-core';
import { MienError } from '../errors.js';
import { Graph } from '../plan/graph.js';
import { GraphRunner, type LoadedGraph } from '../plan/graph-runner.js';
import { TAG } from '../plan/saved-model.js';
import type { Backend, NativeName } from './index.js';

const PACKAGES: Record<NativeName, string> = {
  node: '@tensorflow/tfjs-node',
  'node-gpu': '@tensorflow/tfjs-node-gpu',
};

/** What only the runtime can do: find packages, and hold files. */
export interface NativeRuntime {
  /** Whether one of tfjs-node's packages is installed. */
  has(specifier: string): boolean;
  /** Imports it. */
  load(specifier: string): void;
  /** Puts a `saved_model.pb` in a folder for as long as `use` takes. */
  withFolder<R>(savedModel: Uint8Array, use: (folder: string) => R): R;
  /** Kernels that may run at the same time. */
  threads: number;
}

/** The part of tfjs-node's backend that goes beyond tfjs. */
interface TensorFlow {
  isUsingGpuDevice: boolean;
  loadSavedModelMetaGraph(folder: string, tags: string): number;
  runSavedModel(id: number, inputs: tf.Tensor[], infos: { name: string }[], outputs: string[]): tf.Tensor[];
  deleteSavedModel(id: number): void;
}

/** Pixels of one pass on a core: 8 crops at side 96, whose activations its cache holds; with 32 each takes 1.2 times as long. */
const CORE_PIXELS = 8 * 96 * 96;
/** Pixels of one pass on a GPU: 64 crops at side 96. */
const GPU_PIXELS = 64 * 96 * 96;

/**
 * Makes libtensorflow current through tfjs-node or tfjs-node-gpu. Without a GPU the latter computes on the CPU and says
 * nothing, so that `node-gpu` asks it, and `node` takes it where it is loaded already: one process can load one of them.
 *
 * @throws MienError `backend_unavailable`, with the reason and the cure
 */
export async function startNative(name: NativeName, runtime: NativeRuntime): Promise<Backend> {
  const specifier = PACKAGES[name];
  if (!tf.findBackendFactory('tensorflow')) load(name, runtime);
  if (!tf.findBackendFactory('tensorflow')) {
    throw unavailable(`${specifier} is loaded, but with another copy of @tensorflow/tfjs-core than mien's.`);
  }
  if (!(await tf.setBackend('tensorflow'))) {
    throw unavailable(`${specifier} is loaded, but its backend does not start.`);
  }
  const tensorflow = tf.backend() as unknown as TensorFlow;
  if (name === 'node-gpu' && !tensorflow.isUsingGpuDevice) {
    throw unavailable(`${specifier} is loaded, but libtensorflow sees no GPU that it can use.`);
  }
  const loadGraph = graphLoader(tensorflow, runtime);
  const [parts, batchPixels] = tensorflow.isUsingGpuDevice
    ? [1, GPU_PIXELS]
    : [runtime.threads, runtime.threads * CORE_PIXELS];
  const grouped = computesGroups(loadGraph);
  return {
    name,
    engineName: 'tensorflow',
    batchPixels,
    compile: (plan) => new GraphRunner(plan, loadGraph, { parts, grouped }),
  };
}

const unavailable = (message: string, cause?: unknown) =>
  new MienError('backend_unavailable', message, cause === undefined ? {} : { cause });

function load(name: NativeName, runtime: NativeRuntime): void {
  const specifier = PACKAGES[name];
  if (!runtime.has(specifier)) {
    const setup = `npm run setup:native${name === 'node-gpu' ? ' -- --gpu' : ''}`;
    throw new MienError(
      'backend_unavailable',
      `The package ${specifier} is not installed. Install it: ${setup}, or npm install --no-save ${specifier}`,
      { details: { package: specifier } },
    );
  }
  // It brings copies of tfjs's other backends, and tfjs warns of every kernel that is there already.
  const production = tf.env().getBool('PROD');
  tf.env().set('PROD', true);
  try {
    runtime.load(specifier);
  } catch (cause) {
    const [reason] = `${(cause as Error).message}`.split('\n');
    throw unavailable(`${specifier} is installed and does not load: ${reason}`, cause);
  } finally {
    tf.env().set('PROD', production);
  }
}

function graphLoader(
  tensorflow: TensorFlow,
  { withFolder }: NativeRuntime,
): (savedModel: Uint8Array) => LoadedGraph {
  return (savedModel) => {
    const id = withFolder(savedModel, (folder) => tensorflow.loadSavedModelMetaGraph(folder, TAG));
    return {
      run(inputs, outputs) {
        const infos = Object.keys(inputs).map((name) => ({ name }));
        return tensorflow.runSavedModel(id, Object.values(inputs), infos, outputs);
      },
      dispose: () => tensorflow.deleteSavedModel(id),
    };
  };
}

/**
 * Whether a convolution with groups, fused with what follows, can be computed: oneDNN and cuDNN can, Eigen, which takes
 * their place on CPUs that oneDNN is not made for, cannot.
 */
function computesGroups(loadGraph: (savedModel: Uint8Array) => LoadedGraph): boolean {
  const graph = new Graph({ grouped: true });
  const kernel = new Float32Array(3 * 2 * 4).fill(1);
  const conv = graph.conv({ shape: [3, 1, 2, 4], kernel, bias: new Float32Array(4) }, { groups: 2 });
  graph.output('y', conv(graph.input('x', [-1, 3, 1, 4])));
  const loaded = loadGraph(graph.encode());
  try {
    // The middle row sees three taps of two channels of ones.
    return tf.tidy(() => loaded.run({ x: tf.ones([1, 3, 1, 4]) }, ['y'])[0]?.dataSync()[4] === 6);
  } catch {
    return false;
  } finally {
    loaded.dispose();
  }
}
