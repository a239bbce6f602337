/** What kind of thing was given, for messages that must not show it. */
export function shapeOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
