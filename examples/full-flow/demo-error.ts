/** A problem that the user of the demo can understand and fix. Its message is shown without a stack. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

/** Returns an error as one sentence. It adds what fetch and Node put into `cause` and `code`. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (error instanceof DemoError || !(cause instanceof Error)) return error.message;
  const { code } = cause as NodeJS.ErrnoException;
  return `${error.message} (${code ?? cause.message})`;
}
