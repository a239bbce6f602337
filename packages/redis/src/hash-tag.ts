/** Returns a prefix with braces, which put all keys of a store into one hash slot of a cluster. So a script may use all of them. */
export function hashTagged(prefix: string): string {
  return /^[^{]*\{[^}]+\}/.test(prefix) ? prefix : `{${prefix}}`;
}
