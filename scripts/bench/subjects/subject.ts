/** What is timed: a network that takes crops. */
export interface Subject {
  /**
   * @param crops uint8 [n, 48, 48]
   * @returns float32 [n, 7], in the order of LABELS
   */
  classify(crops: Uint8Array): Float32Array | Promise<Float32Array>;
  /** Bytes that its WebAssembly memory has, where it can tell. */
  memory?(): number;
}
