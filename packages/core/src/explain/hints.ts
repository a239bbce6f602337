import type { Reason } from '../vocabulary/reason.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { debugLine, isDebugging } from '../lib/debug.js';
import { explanationLine, type Explanation } from './explanation.js';
import { placeOf } from './place.js';

/** As much of a refusal as is printed. */
interface Explainable {
  readonly status: number;
  readonly reason: Reason;
  explain(): Explanation;
}

const ONCE = 'printed once for each reason, outside production; NODE_DEBUG=tokenward prints every refusal, TOKENWARD_HINTS=0 prints none';

/**
 * Returns what prints one guard's refusals on stderr: each of them under `NODE_DEBUG=tokenward`; else, outside production, the first one of each
 * reason, unless `TOKENWARD_HINTS=0`. The environment is read once, since reading it costs as much as a refusal.
 */
export function createHints(): (decision: Explainable, request: ProtectedRequest | undefined) => void {
  const areWanted = process.env['NODE_ENV'] !== 'production' && process.env['TOKENWARD_HINTS'] !== '0';
  const debugs = isDebugging();
  const told = new Set<Reason>();

  return function hint(decision, request) {
    if (debugs) {
      debugLine(() => lineOf(decision, request));
      return;
    }
    if (!areWanted || told.has(decision.reason)) return;
    const isFirst = told.size === 0;
    told.add(decision.reason);
    process.stderr.write(`tokenward: ${lineOf(decision, request)}${isFirst ? ` [${ONCE}]` : ''}\n`);
  };
}

function lineOf(decision: Explainable, request: ProtectedRequest | undefined): string {
  const place = request && placeOf(request);
  const where = place ? `${place.method} ${place.route ?? place.path}` : 'permit()';
  return `${where} -> ${decision.status} ${explanationLine(decision.explain())}`;
}
