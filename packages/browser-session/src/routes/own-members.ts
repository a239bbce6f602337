/** Returns the own members of an object: what a polluted prototype adds, such as a cookie, must not reach an answer. */
export function ownMembers<T extends object>(given: T): T {
  return Object.assign(Object.create(null) as T, given);
}
