/** Files that a bundler makes modules of: wrangler for Workers, scripts/lambda-build.ts for Lambda. */

/** Undefined where the runtime does not have relaxed SIMD, as Node 20. */
declare module '*-relaxed.wasm' {
  const module: WebAssembly.Module | undefined;
  export default module;
}

declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}

/** The model to bundle: src/assets/bundled-model.js, unless the bundler is told of another. */
declare module '@mien/model' {
  const files: {
    name: string;
    architecture: unknown;
    metrics: { version: string };
    weights: ArrayBuffer;
  };
  export default files;
}

declare module '*.html' {
  const text: string;
  export default text;
}
