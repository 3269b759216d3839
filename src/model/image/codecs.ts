import jpegFactory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import webpFactory from '@jsquash/webp/codec/dec/webp_dec.js';
import { MienError } from '../errors.js';
import type { WasmModule } from '../wasm-module.js';
import { jpegScans } from './header.js';
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

/**
 * libjpeg warns and goes on where data is missing or unreadable; the rest of the picture is then invented. It prints its
 * first warning alone.
 */
const LOST_DATA = /premature end|bad huffman|instead of RST/i;

/**
 * jSquash's glue rather than its `init`/`decode`: those keep one instance for ever, and an instance that has
 * thrown, or has held a large photo, is to be thrown away.
 */
async function emscriptenCodec(factory: unknown, module: WasmModule, ...options: boolean[]): Promise<Codec> {
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

/**
 * Most scans decoded of a JPEG; a progressive one has about ten. Each goes over the whole picture, even where it has no more
 * than 75 bytes: 100 of these take 1.6 s for 50 megapixels.
 */
const MOST_SCANS = 100;

/** `false` is preserveOrientation: the decoder leaves the orientation alone, upright() applies it, once. */
export async function jpegCodec(module: WasmModule): Promise<Codec> {
  const codec = await emscriptenCodec(jpegFactory, module, false);
  return {
    ...codec,
    decode(bytes) {
      const scans = jpegScans(bytes); // which throws where there is no end: libjpeg's warning of that may be its second
      if (scans > MOST_SCANS) {
        const details = { scans, limit: MOST_SCANS };
        throw new MienError(
          'invalid_image',
          `The JPEG has ${scans} scans; at most ${MOST_SCANS} are decoded.`,
          { details },
        );
      }
      return codec.decode(bytes);
    },
  };
}
export const webpCodec = (module: WasmModule) => emscriptenCodec(webpFactory, module);

interface PngExports {
  memory: WebAssembly.Memory;
  decode(pointer: number, length: number): number;
  encode(out: number, pointer: number, length: number, width: number, height: number, bits: number): void;
  __wbindgen_add_to_stack_pointer(bytes: number): number;
  __wbindgen_malloc(size: number, align: number): number;
  __wbindgen_free(pointer: number, size: number, align: number): void;
}

/**
 * The PNG codec without its generated glue, which keeps one instance in a global and needs an `ImageData` global
 * that Node and workerd lack. wasm-bindgen ends import names in a hash, so they are told by how they begin.
 *
 * @param emit what the decoder calls back, once, with the pixels
 */
function instantiatePng(
  module: WasmModule,
  emit: (wasm: PngExports, pointer: number, length: number, width: number, height: number) => number,
): PngExports {
  const panic = (pointer: number, length: number) => {
    const text = new Uint8Array(wasm.memory.buffer, pointer >>> 0, length);
    throw new Error(String.fromCharCode(...text.subarray(0, 500)));
  };
  const imports: Record<string, (...values: number[]) => number> = {};
  for (const { name } of WebAssembly.Module.imports(module)) {
    imports[name] = name.includes('u8clampedarray')
      ? (...values) => emit(wasm, ...(values as [number, number, number, number]))
      : name === '__wbindgen_throw'
        ? (panic as (...values: number[]) => number)
        : () => 0; // used by 16-bit pixels only
  }
  const wasm = new WebAssembly.Instance(module, { wbg: imports }).exports as unknown as PngExports;
  return wasm;
}

/** Copies bytes into the instance's memory, for a call that takes them over and frees them. */
function handOver(wasm: PngExports, bytes: Uint8Array | Uint8ClampedArray): number {
  const pointer = wasm.__wbindgen_malloc(bytes.length, 1) >>> 0;
  new Uint8Array(wasm.memory.buffer).set(bytes, pointer);
  return pointer;
}

/** Palette, grey, 16 bits and tRNS come out as RGBA. */
export async function pngCodec(module: WasmModule): Promise<Codec> {
  let raster: Raster | undefined;
  const wasm = instantiatePng(module, ({ memory, __wbindgen_free: free }, pointer, length, width, height) => {
    const data = new Uint8ClampedArray(memory.buffer, pointer >>> 0, length).slice();
    free(pointer, length, 1);
    raster = { width: width >>> 0, height: height >>> 0, data };
    return 1;
  });
  return {
    decode(bytes) {
      raster = undefined;
      wasm.decode(handOver(wasm, bytes), bytes.length);
      if (!raster) throw new Error('the decoder gave no pixels');
      return raster;
    },
    memoryBytes: () => wasm.memory.buffer.byteLength,
  };
}

/** Encodes a raster as PNG, RGBA of 8 bits. An instance a picture, so that no memory is kept. */
export function encodePng(module: WasmModule, { width, height, data }: Raster): Uint8Array {
  const wasm = instantiatePng(module, () => 0);
  const out = wasm.__wbindgen_add_to_stack_pointer(-16);
  wasm.encode(out, handOver(wasm, data), data.length, width, height, 8);
  const [pointer, length] = new Uint32Array(wasm.memory.buffer, out, 2) as unknown as [number, number];
  return new Uint8Array(wasm.memory.buffer, pointer, length).slice();
}
