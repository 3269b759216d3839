/**
 * The Open Inference Protocol's (KServe v2) messages about the one model.
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
import { z } from 'zod';
import { CROP_SIZE } from '../../../model/architecture.js';
import { LABELS } from '../../../model/labels.js';

export const MODEL_NAME = 'mien';
/** Most crops of one request: some 0.6 MB, and seconds of WebAssembly. */
export const MAX_CROPS = 256;

/** Grey crops, 0 to 255. */
export const INPUT = { name: 'crops', datatype: 'UINT8', shape: [-1, CROP_SIZE, CROP_SIZE, 1] } as const;
/** Probabilities in the order of LABELS, each row's sum 1. */
export const OUTPUT = { name: 'scores', datatype: 'FP32', shape: [-1, LABELS.length] } as const;

/** A value, a flat list or lists of lists; checked against the shape while it is copied (tensors.ts). */
const data = z.array(z.unknown());

/** Parameters that mean nothing here, such as Triton's `priority`, are let pass unlooked at: there may be any number. */
const input = z.object({
  name: z.literal(INPUT.name),
  datatype: z.literal(INPUT.datatype),
  shape: z.tuple([z.int().min(1).max(MAX_CROPS), z.literal(CROP_SIZE), z.literal(CROP_SIZE), z.literal(1)]),
  parameters: z.object({ binary_data_size: z.int().min(0).optional() }).optional(),
  data: data.optional(),
});

const requestedOutput = z.object({
  name: z.literal(OUTPUT.name),
  parameters: z.object({ binary_data: z.boolean().optional() }).optional(),
});

export const inferRequest = z.object({
  /** Echoed. */
  id: z.string().max(256).optional(),
  parameters: z.object({ binary_data_output: z.boolean().optional() }).optional(),
  inputs: z.array(input).length(1),
  outputs: z.array(requestedOutput).max(1).optional(),
});

export type InferRequest = z.output<typeof inferRequest>;

const tensor = z.strictObject({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.int()),
});

export const inferResponse = z.strictObject({
  model_name: z.literal(MODEL_NAME),
  model_version: z.string(),
  id: z.string().optional(),
  parameters: z.strictObject({ backend: z.string() }),
  outputs: z.array(
    tensor.extend({
      parameters: z.strictObject({ binary_data_size: z.int() }).optional(),
      data: z.array(z.number()).optional(),
    }),
  ),
});

export type InferResponse = z.output<typeof inferResponse>;

export const serverMetadata = z.strictObject({
  name: z.string(),
  version: z.string(),
  extensions: z.array(z.string()),
});

export const modelMetadata = z.strictObject({
  name: z.literal(MODEL_NAME),
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(tensor),
  outputs: z.array(tensor),
  /** `labels`: what the columns of `scores` mean, separated by commas, since a parameter is no list. */
  parameters: z.strictObject({ labels: z.string(), model: z.string(), max_crops: z.int() }),
});

/** The protocol has the message alone; the code is the one that all other errors of mien have. */
export const inferError = z.strictObject({ error: z.string(), code: z.string() });
