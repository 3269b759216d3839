/** Another mien, on a GPU: asked first, and done without where it does not answer. */
import { z } from 'zod';
import { reasonOf } from '../fetch-reason.js';
import { CROP_BYTES } from '../model/architecture.js';
import { BACKEND_NAMES, type BackendName } from '../model/backends/index.js';
import { LABELS } from '../model/labels.js';
import type { Classifier, QueuedClassifier } from '../model/model.js';
import { httpUrl } from './environment.js';
import { log } from './log.js';
import { propagatedHeaders } from './propagated-headers.js';
import { INPUT, MODEL_NAME } from './routes/inference/schema.js';
import { HEADER_LENGTH } from './routes/inference/tensors.js';
import { wholeNumber } from './whole-number.js';

/** A path is added to it, and what it holds may be logged. */
function isPlain(address: string): boolean {
  if (!URL.canParse(address)) return true; // said by then, and this is asked nevertheless
  const { username, password, search, hash } = new URL(address);
  return !(username || password || search || hash);
}

/** On every runtime. */
export const upstreamSettings = z.object({
  GPU_URL: httpUrl('https://gpu.example.com')
    .refine(isPlain, 'must be an address without a name, a password, a query or a fragment')
    .optional()
    .describe('Address of another mien that is asked to infer first; where it fails, this one infers itself'),
  GPU_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
    .optional()
    .describe('API key for `GPU_URL`'),
  GPU_TIMEOUT_MS: wholeNumber(1, 99_999).default(1000).describe('Longest wait for `GPU_URL`, milliseconds'),
});

/** Failures one after the other that open the circuit. */
const FAILURES = 3;
/** How long an open circuit stays open, milliseconds: then one request tries. */
const OPEN_MS = 30_000;

const score = z.number().min(0).max(1);
const response = z.object({
  model_version: z.string(),
  parameters: z.object({ backend: z.enum(BACKEND_NAMES) }),
  outputs: z.tuple([z.object({ data: z.array(score) })]),
});

/** `answered`; `busy`, it refused as one that has too much to do; `failed`; `skipped`, it was not asked. */
export type UpstreamResult = 'answered' | 'busy' | 'failed' | 'skipped';

export interface UpstreamOptions {
  /** The time, milliseconds. */
  now?: () => number;
  /** Hears what became of each request of an inference. */
  onResult?: ((result: UpstreamResult) => void) | undefined;
  /** Puts the trace context of this process's span into the headers. Default: it stays what the request came with. */
  inject?: ((headers: Record<string, string>) => void) | undefined;
}

/** It is there, but has too much to do. */
class Busy extends Error {}

export interface Upstream {
  /**
   * Scores crops on the other machine.
   * @param version model that answers have to be of
   * @returns undefined where they are not to be had from there
   * @throws the signal's reason
   */
  classify(
    crops: Uint8Array,
    version: string,
    signal?: AbortSignal,
  ): Promise<{ scores: Float32Array; backend: BackendName } | undefined>;
}

/**
 * Speaks the Open Inference Protocol to another mien. After three failures one after the other it is left alone for 30 s;
 * that it has too much to do is none. Nothing is asked twice. The circuit is plain numbers, without a promise that one request would resolve for another:
 * Workers forbid that.
 */
export function createUpstream(
  settings: z.output<typeof upstreamSettings>,
  { now = Date.now, onResult, inject }: UpstreamOptions = {},
): Upstream | undefined {
  const { GPU_URL: url, GPU_KEY: key, GPU_TIMEOUT_MS: timeoutMs } = settings;
  if (!url) return undefined;
  let failures = 0;
  /** An open circuit asks nobody. */
  let openUntil = 0;
  return {
    async classify(crops, version, signal) {
      signal?.throwIfAborted();
      const count = crops.length / CROP_BYTES;
      if (now() < openUntil) {
        onResult?.('skipped');
        return undefined;
      }
      // Of those that come while one tries, the others do without.
      const trial = failures >= FAILURES;
      if (trial) openUntil = now() + OPEN_MS;
      const limit = AbortSignal.timeout(timeoutMs);
      try {
        const headers = { ...propagatedHeaders(), ...(key && { authorization: `Bearer ${key}` }) };
        inject?.(headers);
        const answer = await ask(url, crops, headers, signal ? AbortSignal.any([signal, limit]) : limit);
        if (answer.model_version !== version)
          throw new Error(`it serves ${answer.model_version}, this ${version}`);
        const scores = Float32Array.from(answer.outputs[0].data);
        if (!areProbabilities(scores, count))
          throw new Error('its scores are not probabilities of these crops');
        failures = openUntil = 0;
        onResult?.('answered');
        return { scores, backend: answer.parameters.backend };
      } catch (error) {
        if (signal?.aborted) {
          if (trial) openUntil = 0; // it says nothing of the other machine, which the next request tries
          throw signal.reason;
        }
        if (error instanceof Busy) {
          failures = openUntil = 0;
          onResult?.('busy');
          return undefined;
        }
        if (++failures >= FAILURES) openUntil = now() + OPEN_MS;
        onResult?.('failed');
        log('error', 'GPU_URL does not answer; inferring here', {
          failures,
          reason: reasonOf(error),
        });
        return undefined;
      }
    },
  };
}

async function ask(url: string, crops: Uint8Array, headers: Record<string, string>, signal: AbortSignal) {
  const count = crops.length / CROP_BYTES;
  const parameters = { binary_data_size: crops.length };
  const input = { ...INPUT, shape: [count, ...INPUT.shape.slice(1)], parameters };
  const json = new TextEncoder().encode(JSON.stringify({ inputs: [input] }));
  const body = new Uint8Array(json.length + crops.length);
  body.set(json);
  body.set(crops, json.length);
  const answer = await fetch(`${url.replace(/\/*$/, '')}/v2/models/${MODEL_NAME}/infer`, {
    method: 'POST',
    body,
    headers: { ...headers, [HEADER_LENGTH]: `${json.length}` },
    redirect: 'manual', // faces go to the address that was named, and nowhere else
    signal,
  });
  if (!answer.ok) {
    await answer.body?.cancel();
    // A balancer's own 503, where no server is left behind it, does not say when to try again.
    const What = answer.headers.has('retry-after') ? Busy : Error;
    throw new What(`it answers ${answer.status}`);
  }
  return response.parse(await answer.json());
}

/** Whether they are seven a crop, each row's sum 1 as far as float32 goes. */
function areProbabilities(scores: Float32Array, count: number): boolean {
  if (scores.length !== count * LABELS.length) return false;
  for (let at = 0; at < scores.length; at += LABELS.length) {
    const sum = scores.subarray(at, at + LABELS.length).reduce((a, b) => a + b, 0);
    if (Math.abs(sum - 1) > 1e-3) return false;
  }
  return true;
}

/** Asks the other machine where there is one, and else, or where it fails, the classifier here. */
export function withUpstream(
  local: Classifier | QueuedClassifier,
  version: string,
  upstream: () => Upstream | undefined,
): QueuedClassifier {
  return {
    async classify(crops, options = {}) {
      const answer = await upstream()?.classify(crops, version, options.signal);
      if (answer) options.computedBy?.(answer.backend);
      return answer?.scores ?? local.classify(crops, options);
    },
    dispose: () => local.dispose(),
  };
}
