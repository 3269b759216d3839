import jpegFactory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import webpFactory from '@jsquash/webp/codec/dec/webp_dec.js';
import type { Raster } from './raster.js';

/** One instance of one decoder. */
export interface Codec {
  /** Decodes to RGBA as stored. Throws anything at all (not only Errors) where it cannot. */
  decode(bytes: Uint8Array): Raster;
  /** Bytes of WebAssembly memory that the instance holds; it never shrinks. */
  memoryBytes(): number;
}

type Emscripten<T> = (options: Record<string, unknown>) => Promise<T>;
interface Decoder {
  HEAPU8: Uint8Array;
  decode(bytes: Uint8Array, ...options: boolean[]): Raster | null;
}

/** libjpeg warns and goes on where data is missing or unreadable; the rest of the picture is then invented. */
const LOST_DATA = /premature end|bad huffman/i;

/**
 * jSquash's glue rather than its `init`/`decode`: those keep one instance for ever, and an instance that has
 * thrown, or has held a large photo, is to be thrown away.
 */
async function emscriptenCodec(
  factory: unknown,
  module: WebAssembly.Module,
  ...options: boolean[]
): Promise<Codec> {
  let messages: string[] = [];
  const decoder = await (factory as Emscripten<Decoder>)({
    noInitialRun: true,
    // Synchronous, from a compiled module: the one way that workerd allows.
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
    print: () => {},
    printErr: (message: string) => messages.push(message),
  });
  return {
    decode(bytes) {
      messages = [];
      let raster: Raster | null;
      try {
        raster = decoder.decode(bytes, ...options);
      } catch (thrown) {
        throw new Error(messages.join('; ') || 'the decoder gave up', { cause: thrown });
      }
      const lost = messages.find((message) => LOST_DATA.test(message));
      if (!raster || lost) throw new Error(lost ?? (messages.join('; ') || 'the decoder gave up'));
      return { width: raster.width, height: raster.height, data: raster.data };
    },
    memoryBytes: () => decoder.HEAPU8.buffer.byteLength,
  };
}

/** `false` is preserveOrientation: the decoder leaves the orientation alone, upright() applies it, once. */
export const jpegCodec = (module: WebAssembly.Module) => emscriptenCodec(jpegFactory, module, false);
export const webpCodec = (module: WebAssembly.Module) => emscriptenCodec(webpFactory, module);

interface PngExports {
  memory: WebAssembly.Memory;
  decode(pointer: number, length: number): number;
  __wbindgen_malloc(size: number, align: number): number;
  __wbindgen_free(pointer: number, size: number, align: number): void;
}

/**
 * The PNG decoder without its generated glue, which keeps one instance in a global and needs an `ImageData`
 * global that Node and workerd lack. The decoder calls back once, with the pixels; wasm-bindgen ends import
 * names in a hash, so they are told by how they begin. Palette, grey, 16 bits and tRNS come out as RGBA.
 */
export async function pngCodec(module: WebAssembly.Module): Promise<Codec> {
  let raster: Raster | undefined;
  const emit = (pointer: number, length: number, width: number, height: number) => {
    const data = new Uint8ClampedArray(wasm.memory.buffer, pointer >>> 0, length).slice();
    wasm.__wbindgen_free(pointer, length, 1);
    raster = { width: width >>> 0, height: height >>> 0, data };
    return 1;
  };
  const panic = (pointer: number, length: number) => {
    const text = new Uint8Array(wasm.memory.buffer, pointer >>> 0, length);
    throw new Error(String.fromCharCode(...text.subarray(0, 500)));
  };
  const imports: Record<string, (...values: number[]) => number> = {};
  for (const { name } of WebAssembly.Module.imports(module)) {
    imports[name] = name.includes('u8clampedarray')
      ? (emit as (...values: number[]) => number)
      : name === '__wbindgen_throw'
        ? (panic as (...values: number[]) => number)
        : () => 0; // used by 16-bit output and encoding only
  }
  const instance = new WebAssembly.Instance(module, { wbg: imports });
  const wasm = instance.exports as unknown as PngExports;
  return {
    decode(bytes) {
      raster = undefined;
      const pointer = wasm.__wbindgen_malloc(bytes.length, 1) >>> 0;
      new Uint8Array(wasm.memory.buffer).set(bytes, pointer);
      wasm.decode(pointer, bytes.length); // takes the bytes over and frees them
      if (!raster) throw new Error('the decoder gave no pixels');
      return raster;
    },
    memoryBytes: () => wasm.memory.buffer.byteLength,
  };
}
