/** What Hono's context carries from the middleware to the routes. */
export interface AppEnv {
  Variables: {
    /** Taken over from the request's `x-request-id`, or made; answered as that header and in every error. */
    requestId: string;
    /** SHA-256 of the API key that was sent, where keys are asked for. */
    client?: string;
    /** The whole body, where `limitedBody` has read it. */
    body: Uint8Array;
    /** Where the work goes on after the response has begun: resolved when it has ended, never rejected. */
    done?: Promise<void>;
    /** Aborted when the server stops, its reason the error that ends an open stream. */
    stopping?: AbortSignal;
  };
}
