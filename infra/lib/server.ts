/** What the templates assume of the server: `src/handlers/config.ts` and the Dockerfile must agree with this page. */
import type { Config } from './config.js';

/** TCP port, SageMaker's as well. */
export const PORT = 8080;
/** Answers 200 only after a warm-up inference, and not while draining. */
export const READY_PATH = '/readyz';
/** Prometheus metrics: scraped inside the task, hidden from the internet. */
export const METRICS_PATH = '/metrics';
/** The gauge that the queue alarm watches. */
export const QUEUE_METRIC = 'mien_queue_length';
/** Hashes of the API keys, separated by commas. */
export const API_KEYS = 'API_KEYS';
/** The largest body that bulk scoring's server takes, in bytes: more is refused, and its sender may be hung up on. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;
/** Origins of web pages that may ask. */
const CORS_ORIGINS = 'CORS_ORIGINS';
/** Read by nobody: another value makes a deployment, which reads the keys anew. */
const KEYS_VERSION = 'KEYS_VERSION';
/** Where the driver keeps compiled kernels: compiling them takes minutes on GPUs newer than the CUDA runtime. */
export const CUDA_CACHE = '/var/cache/cuda';
/** Seconds between SIGTERM and SIGKILL; the server drains for 25 at most. */
export const STOP_SECONDS = 30;
/** Namespace of the metrics that the server's own figures are published in. */
export const NAMESPACE = 'mien';
/** Whom the image runs as, user and group: they may write nothing but the cache of kernels. */
export const USER = 10001;
/** Makes the cache on an instance: mounted without it, it would be root's. */
export const MAKE_CUDA_CACHE = `install -d -o ${USER} -g ${USER} ${CUDA_CACHE}`;

/** What the two endpoints of the shared name are told of who may ask, beside the keys. */
export const guardEnvironment = ({ corsOrigins, keysVersion }: Config): Record<string, string> => ({
  // A new version of the keys is a deployment that reads them anew.
  [KEYS_VERSION]: String(keysVersion),
  ...(corsOrigins.length > 0 && { [CORS_ORIGINS]: corsOrigins.join(',') }),
});

/** What a deployment sets of the server's environment; the rest the image says itself. */
export const serverEnvironment = ({ server }: Config): Record<string, string> => ({
  // Also in the image: one that was built without CUDA does not start.
  BACKEND: 'node-gpu',
  BATCH_MAX: String(server.batchMax),
  BATCH_WAIT_MS: String(server.batchWaitMs),
  QUEUE_MAX: String(server.queueMax),
});
