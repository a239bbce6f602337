/** Something that the person at the terminal can understand and put right: its message is shown as it is, without a stack. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

/** An error in one sentence: what fetch and Node hide in `cause` and `code` is put beside the message. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (error instanceof DemoError || !(cause instanceof Error)) return error.message;
  const { code } = cause as NodeJS.ErrnoException;
  return `${error.message} (${code ?? cause.message})`;
}
