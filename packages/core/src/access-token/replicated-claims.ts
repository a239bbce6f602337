import { own, type JsonObject } from '../lib/json.js';

/**
 * Compares the claims that the header of an encrypted token repeats with those that are signed (RFC 7519 s5.3). Others may have read the header, and acted on it.
 *
 * @returns the problem, if they differ
 */
export function replicatedProblem(replicated: JsonObject, claims: JsonObject): string | undefined {
  const other = Object.keys(replicated).find((name) => textOf(name, replicated[name]) !== textOf(name, own(claims, name)));
  return other === undefined ? undefined : `its header repeats ${other} with another value than the signed claim (RFC 7519 s5.3)`;
}

/** One audience may be written as a string or as a list (RFC 7519 s4.1.3). */
function textOf(name: string, value: unknown): string | undefined {
  return JSON.stringify(name === 'aud' ? [value].flat() : value);
}
