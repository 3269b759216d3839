/**
 * The model's files for runtimes that get a bundle: all imported, so that the bundler finds them and the
 * runtime holds them before the first request. Workers allow no other way to WebAssembly than an import.
 */
import jpeg from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
import png from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm';
import webp from '@jsquash/webp/codec/dec/webp_dec.wasm';
import files from '@mien/model';
import tfjs from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm';
import docs from '../../dist/assets/docs.html';
import kernels from '../../dist/assets/kernels.wasm';
import relaxedKernels from '../../dist/assets/kernels-relaxed.wasm';
import page from '../../dist/assets/page.html';
import type { Site } from '../handlers/site.js';
import type { Assets } from '../model/assets.js';
import type { ModelFiles } from '../model/model.js';
import detector from './bundled-detector.js';
import openApi from './bundled-openapi.js';

export const bundledAssets: Assets = {
  wasm: { tfjs, kernels: relaxedKernels ?? kernels, jpeg, png, webp },
  detector,
};

const { name, architecture, metrics, weights } = files;
export const bundledModel: ModelFiles = {
  name,
  version: metrics.version,
  architecture,
  weights: new Uint8Array(weights),
};

export const bundledSite: Site = { page, docs, openApi };
