import type { ModelFiles } from '../../../src/model/model.js';
import { exportOnnx } from '../../onnx/export.js';
import type { Subject } from './subject.js';

interface SubjectKind {
  title: string;
  /** A network of its own, which answers what it likes; the others compute the model. */
  peer?: true;
  /** Imports what it needs only now: each subject runs in a process of its own, without the others' code. */
  load(model: ModelFiles): Promise<Subject>;
}

const onnxRuntime = (name: 'onnxruntime-web' | 'onnxruntime-node', threads: number): SubjectKind => ({
  title: `${name}, ${threads} thread${threads > 1 ? 's' : ''}`,
  load: async (model) => (await import('./onnxruntime.js')).onnxRuntime(name, exportOnnx(model), threads),
});

/** What the bench can time, in the order of its tables. */
export const SUBJECTS = {
  plan: {
    title: '**mien, wasm**',
    load: async (model) => (await import('./mien.js')).plan(model, 'wasm'),
  },
  'stock-operations': {
    title: 'stock tfjs operations, wasm',
    load: async (model) => (await import('./stock-operations.js')).stockOperations(model),
  },
  'onnxruntime-web-1': onnxRuntime('onnxruntime-web', 1),
  'onnxruntime-web-2': onnxRuntime('onnxruntime-web', 2),
  'onnxruntime-node-1': onnxRuntime('onnxruntime-node', 1),
  'onnxruntime-node-2': onnxRuntime('onnxruntime-node', 2),
  node: {
    title: '**mien, node** (tfjs-node, all cores)',
    load: async (model) => (await import('./mien.js')).plan(model, 'node'),
  },
  'face-api': {
    title: '@vladmandic/face-api, wasm',
    peer: true,
    load: async () => (await import('./face-api.js')).faceApi(),
  },
  human: {
    title: '@vladmandic/human, wasm',
    peer: true,
    load: async () => (await import('./human.js')).human(),
  },
} satisfies Record<string, SubjectKind>;

export type SubjectName = keyof typeof SUBJECTS;
export const subjectKind = (name: SubjectName): SubjectKind => SUBJECTS[name];
