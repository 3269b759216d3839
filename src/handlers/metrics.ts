/** Prometheus metrics of one process. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { UpstreamResult } from './upstream.js';

/** Upper bounds of the histograms of durations, seconds. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Upper bounds of the histogram of batch sizes, crops. */
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128];

export interface MetricsOptions {
  /** Crops that wait for an inference. */
  queueLength: () => number;
  /** Photos that wait for a thread. */
  photosWaiting: () => number;
}

/** What is measured: requests; stages of the work; batch sizes; the queue; and what Prometheus expects of a process. */
export function createMetrics({ queueLength, photosWaiting }: MetricsOptions) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'mien_request_duration_seconds',
    help: 'From a request to its answer.',
    labelNames: ['route', 'method', 'status'],
    buckets: SECONDS,
    registers,
  });
  const stages = new Histogram({
    name: 'mien_stage_duration_seconds',
    help: 'Stages of the work: decode and detect, for each photo; queue, for each request; infer, for each batch.',
    labelNames: ['stage'],
    buckets: SECONDS,
    registers,
  });
  const batches = new Histogram({
    name: 'mien_batch_size',
    help: 'Crops of an inference.',
    buckets: SIZES,
    registers,
  });
  new Gauge({
    name: 'mien_queue_length',
    help: 'Crops that wait for an inference.',
    registers,
    collect() {
      this.set(queueLength());
    },
  });
  new Gauge({
    name: 'mien_photos_waiting',
    help: 'Photos that wait for a thread to decode them and find faces.',
    registers,
    collect() {
      this.set(photosWaiting());
    },
  });
  const upstream = new Counter({
    name: 'mien_upstream_requests_total',
    help: 'Requests of inferences from GPU_URL, by what became of them.',
    labelNames: ['result'],
    registers,
  });
  return {
    upstream(result: UpstreamResult): void {
      upstream.inc({ result });
    },
    /** Says what infers, once that is known: every figure has it as a label from then on. */
    backend(name: string): void {
      registry.setDefaultLabels({ backend: name });
    },
    request(labels: { route: string; method: string; status: string }, seconds: number): void {
      requests.observe(labels, seconds);
    },
    batch({ size, queueMs, inferMs }: { size: number; queueMs: number[]; inferMs: number }): void {
      batches.observe(size);
      stages.observe({ stage: 'infer' }, inferMs / 1000);
      for (const wait of queueMs) stages.observe({ stage: 'queue' }, wait / 1000);
    },
    photo({ decodeMs, detectMs }: { decodeMs: number; detectMs: number }): void {
      stages.observe({ stage: 'decode' }, decodeMs / 1000);
      stages.observe({ stage: 'detect' }, detectMs / 1000);
    },
    contentType: registry.contentType,
    text: (): Promise<string> => registry.metrics(),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
