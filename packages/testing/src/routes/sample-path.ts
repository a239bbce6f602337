/** Values that routes with constraints on their parameters mostly accept. */
const VALUES = ['1', 'a', '00000000-0000-4000-8000-000000000000', '2030-01-01', 'abc', 'en', '12345678'];

/**
 * Returns a path that a route matches, with values for its parameters.
 *
 * @param pattern as the framework has it
 * @param matches asks the framework's own router
 */
export function samplePath(pattern: string, matches: (path: string) => boolean): string | undefined {
  return VALUES.map((value) => withValue(pattern, value)).find(matches);
}

/** Parameters in the syntax of all frameworks: `:id`, `:id(\\d+)`, `:id{[0-9]+}`, `:id?`, `{/:id}`, `*`, `*rest`, `(.*)`. */
function withValue(pattern: string, value: string): string {
  const path = pattern
    .replaceAll(/\{\/[^{}]*\}/g, '')
    .replaceAll(/\/:\w+(?:\{[^{}]*\}|\((?:[^()]|\([^()]*\))*\))?\?/g, '')
    .replaceAll(/:(?:\w+|"[^"]*")(?:\{(?:[^{}]|\{[^{}]*\})*\}|\((?:[^()]|\([^()]*\))*\))?[+*?]?/g, value)
    .replaceAll(/\*(?:\w+|"[^"]*")?|\((?:[^()]|\([^()]*\))*\)/g, value)
    .replaceAll(/[{}]/g, '')
    .replaceAll(/\/{2,}/g, '/');
  return path.startsWith('/') ? path : `/${path}`;
}
