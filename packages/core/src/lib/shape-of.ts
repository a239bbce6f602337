/** Returns the type of a value, for messages that must not show the value. */
export function shapeOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
