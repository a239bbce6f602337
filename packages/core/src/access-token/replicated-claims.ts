import { own, type JsonObject } from '../lib/json.js';

/**
 * Compares the claims that the header of an encrypted token repeats with those that are signed (RFC 7519 s5.3). Others may have read the header, and acted on it.
 *
 * @returns the problem, if they differ
 */
export function replicatedProblem(replicated: JsonObject, claims: JsonObject): string | undefined {
  const other = Object.keys(replicated).find((name) => JSON.stringify(listOf(replicated[name])) !== JSON.stringify(listOf(own(claims, name))));
  return other === undefined ? undefined : `its header repeats ${other} with another value than the signed claim (RFC 7519 s5.3)`;
}

/** One audience may be written as a string or as a list. */
function listOf(value: unknown): unknown[] {
  return [value].flat();
}
