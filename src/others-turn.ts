/** Resolves once all else that is due on this thread has had its turn; what computes at a stretch would keep it waiting. */
export const othersTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
