import { dirname, join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { CROP_BYTES } from '../../../src/model/architecture.js';
import { LABELS, type Label } from '../../../src/model/labels.js';
import { findPeer, loadPeer } from '../peers.js';

/** What peers that bring their own tfjs have in common. */

interface WasmBackend {
  setWasmPaths(folder: string): void;
  setThreadsCount(count: number): void;
}

/** Makes wasm, in one thread, current in a peer's tfjs. */
export async function startWasm(engine: typeof tf): Promise<void> {
  const backend = loadPeer<WasmBackend>('@tensorflow/tfjs-backend-wasm');
  const manifest = findPeer('@tensorflow/tfjs-backend-wasm/package.json') as string;
  backend.setWasmPaths(join(dirname(manifest), 'wasm-out', '/'));
  backend.setThreadsCount(1);
  await engine.setBackend('wasm');
  await engine.ready();
}

/** Grey to red, green and blue. */
export const inColour = (crop: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: crop.length * 3 }, (_, i) => crop[Math.floor(i / 3)] as number);

/** One crop after the other: float32 [n, 7] of what `score` says of each label. */
export async function eachCrop(
  crops: Uint8Array,
  classify: (crop: Uint8Array) => Promise<(label: Label) => number>,
): Promise<Float32Array> {
  const rows: number[][] = [];
  for (let at = 0; at < crops.length; at += CROP_BYTES)
    rows.push(LABELS.map(await classify(crops.subarray(at, at + CROP_BYTES))));
  return Float32Array.from(rows.flat());
}
