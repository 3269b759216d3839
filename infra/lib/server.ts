/** What the templates assume of the server: `src/handlers/config.ts` and the container must agree with this page. */

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
/** Where the driver keeps compiled kernels: compiling them takes minutes on GPUs newer than the CUDA runtime. */
export const CUDA_CACHE = '/var/cache/cuda';
/** Seconds between SIGTERM and SIGKILL; the server drains for 25 at most. */
export const STOP_SECONDS = 30;
/** Namespace of the metrics that the server's own figures are published in. */
export const NAMESPACE = 'mien';
