// AssemblyScript, compiled to one WebAssembly module by scripts/lib/kernels.ts.

export { convolution } from './convolution';
export { pool } from './pool';
export { residual } from './residual';
export { sumColumns, sumRows } from './letterbox';
