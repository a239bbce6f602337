/** Returns the messages of all errors that last, as one text: that one of them has ended must not hide another. */
export function joinedErrors(...messages: readonly (string | undefined)[]): string | undefined {
  return messages.filter((message) => message !== undefined).join('; ') || undefined;
}
