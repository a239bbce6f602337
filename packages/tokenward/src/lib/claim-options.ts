import { UsageError } from '../errors.js';
import { refuseDeepNesting } from './nesting.js';

/** Reads `--claim NAME=JSON` options. A value that is not JSON is an error, and is not repeated. */
export function claimsOf(texts: readonly string[]): Record<string, unknown> {
  const names = new Set<string>();
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new UsageError(`--claim needs a name and a value in JSON: --claim 'tenant="acme"'`);
      const value = valueIn(text.slice(at + 1));
      // the claims are an object around the value
      refuseDeepNesting([value], 'a claim, with the object of all claims,');
      const name = text.slice(0, at);
      if (names.has(name)) throw new UsageError('two --claim options have the same name. Give each claim once');
      names.add(name);
      return [name, value];
    }),
  );
}

function valueIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`the value of --claim is not JSON. Quote texts twice: --claim 'tenant="acme"'`);
  }
}
