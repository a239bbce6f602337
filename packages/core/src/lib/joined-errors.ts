/** Returns the messages of all errors that have not ended, as one text. The end of one must not hide another. */
export function joinedErrors(...messages: readonly (string | undefined)[]): string | undefined {
  return messages.filter((message) => message !== undefined).join('; ') || undefined;
}
