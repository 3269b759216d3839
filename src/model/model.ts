import type { BackendName } from './backends/index.js';

/** A published model's two files that inference needs, in memory. */
export interface ModelFiles {
  /** Name and version as answers give them, e.g. mien-v1. */
  name: string;
  version: string;
  /** `architecture.json`, parsed as JSON but not yet checked. */
  architecture: unknown;
  /** `weights.safetensors`. */
  weights: Uint8Array;
}

/** Seven probabilities a crop: what every plan offers. */
export interface Classifier {
  /**
   * Classifies crops.
   * @param crops uint8 [n, 48, 48], grey, one after the other
   * @returns float32 [n, 7]: probabilities in the order of LABELS, each row's sum 1
   * @throws MienError `invalid_image` where the bytes are no whole number of crops
   */
  classify(crops: Uint8Array): Float32Array;
  /** Frees every tensor that the classifier holds. */
  dispose(): void;
}

/** Says where in a crop a label's score comes from. */
export interface Explainer {
  /**
   * Each crop's evidence for one label by place: that label's part of the logits before they are averaged over the
   * grid, less the mean of all labels' parts, which softmax does not see.
   *
   * @param crops uint8 [n, 48, 48], as `Classifier.classify` takes them
   * @param labels n indices of LABELS: whose evidence is asked for
   * @returns float32 [n, side, side], row major; side is the network's
   */
  evidence(crops: Uint8Array, labels: readonly number[]): Evidence;
}

export interface Evidence {
  side: number;
  values: Float32Array;
}

export interface ClassifyOptions {
  signal?: AbortSignal;
  computedBy?: (backend: BackendName) => void;
}

/** A classifier that may make its caller wait: for other requests' crops, or for another machine. */
export interface QueuedClassifier {
  /**
   * As `Classifier.classify`.
   * @param options `signal`: who asked has gone away, so the answer is no longer wanted; `computedBy` hears of the backend
   *   that has computed where that is not the one here
   * @throws whatever the signal was aborted with
   */
  classify(crops: Uint8Array, options?: ClassifyOptions): Promise<Float32Array>;
  dispose(): void;
}
