/**
 * A compiled WebAssembly module. Its name is TypeScript's `dom` library's, which a program for Node does not have: the
 * package's types have to be right there as well.
 */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Module } } }
  ? Module
  : object;
