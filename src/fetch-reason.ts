/** Why a request failed: of a connection's errors `fetch` has the reason as their cause, with ECONNREFUSED perhaps as its code. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: why } = (cause ?? {}) as { code?: string; message?: string };
  const reason = code ?? why;
  return reason ? `${message} (${reason})` : message;
}
