/** A function of three vectors, `f32x4.relaxed_madd` of them. */
const FUSED = [
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 8, 1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b],
  ...[3, 2, 1, 0],
  ...[10, 13, 1, 11, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x85, 2, 11],
];

/** Whether this runtime has WebAssembly's relaxed SIMD, as Node 22, Chrome 114 and workerd: fused multiply-add. */
export const hasRelaxedSimd = (): boolean => WebAssembly.validate(Uint8Array.from(FUSED));
