import type { Reason } from '../vocabulary/reason.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { debugLine, isDebugging } from '../lib/debug.js';
import { isProduction } from '../lib/production.js';
import { explanationLine, type Explanation } from './explanation.js';
import { placeOf } from './place.js';

/** The part of a refusal that is printed. */
interface Explainable {
  /** `anonymous`: the request was admitted, and its credentials did not count. */
  readonly status: number | 'anonymous';
  readonly reason: Reason;
  explain(): Explanation;
}

/** The refusals that were printed. The logger of a framework leaves them out: the same refusal on two lines looks like two. */
const printedRefusals = new WeakSet<object>();

/** Whether a refusal was printed on stderr, as a hint or because of `NODE_DEBUG`. */
export function wasPrinted(decision: object): boolean {
  return printedRefusals.has(decision);
}

const ONCE = 'printed once for each reason, outside production; NODE_DEBUG=tokenward prints every refusal, TOKENWARD_HINTS=0 prints none';

/**
 * Returns a function that prints the refusals of one guard on stderr. With `NODE_DEBUG=tokenward` it prints every refusal. Otherwise it prints the first one
 * of each reason, unless `NODE_ENV` is `production` or `TOKENWARD_HINTS` is `0`. The environment is read once, because reading it costs as much as a refusal.
 */
export function createHints(): (decision: Explainable, request: ProtectedRequest | undefined) => void {
  const areEnabled = !isProduction() && process.env['TOKENWARD_HINTS'] !== '0';
  const debugs = isDebugging();
  const printed = new Set<Reason>();

  return function hint(decision, request) {
    if (debugs) {
      printedRefusals.add(decision);
      debugLine(() => lineOf(decision, request));
      return;
    }
    if (!areEnabled || printed.has(decision.reason)) return;
    printedRefusals.add(decision);
    const isFirst = printed.size === 0;
    printed.add(decision.reason);
    process.stderr.write(`tokenward: ${lineOf(decision, request)}${isFirst ? ` [${ONCE}]` : ''}\n`);
  };
}

function lineOf(decision: Explainable, request: ProtectedRequest | undefined): string {
  const place = request && placeOf(request);
  const where = place ? `${place.method} ${place.route ?? place.path}` : 'permit()';
  return `${where} -> ${decision.status} ${explanationLine(decision.explain())}`;
}
