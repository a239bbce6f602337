/**
 * The command was used wrongly: the process ends with 2. The message is shown as it is, so it never contains a value that may be a token or a secret.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command could not do its work: the process ends with 3. The message is shown as it is, so it never contains a token, a secret or the text of another error. */
export class CannotRunError extends Error {
  override readonly name = 'CannotRunError';
}
