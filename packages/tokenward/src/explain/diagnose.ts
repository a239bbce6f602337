import { allOf, createResourceGuard, role, scope, type Deny, type GuardOptions, type Policy, type Reason } from '@tokenward/core';
import { checkSilently, PIPELINE, refusalBehindProof, stepOf, type Explanation, type StepName } from '@tokenward/core/diagnosis';
import type { GivenToken } from '../lib/pasted-token.js';

/** A step of the pipeline, with what it found. */
export interface Step {
  readonly step: StepName;
  readonly title: string;
  readonly verdict: 'passed' | 'failed' | 'unchecked';
  /** Why it was not checked. */
  readonly note?: string;
  readonly problem?: Explanation;
}

export interface Diagnosis {
  /**
   * `accepted`: the API would admit it. `proof-unchecked`: it is bound to its sender, and nothing but the proof of a request is missing. `unknown`: an outage
   * prevents an answer.
   */
  readonly verdict: 'accepted' | 'proof-unchecked' | 'refused' | 'unknown';
  readonly steps: readonly Step[];
  /** Whether the guard found that the token is bound to its sender. It does not look if it refuses the token before. */
  readonly isBound: boolean;
}

export interface Wanted {
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** The moment to check the token at, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** One refusal that is lifted on trial shows the next one. No token has more than these. */
const MAX_ROUNDS = 10;

/** A proof belongs to a request, and there is none here. */
const WITHOUT_REQUEST: ReadonlySet<Reason> = new Set(['missing_proof', 'missing_certificate']);
const OF_BOUND_TOKENS: readonly Reason[] = [...WITHOUT_REQUEST, 'bound_token_as_bearer', 'unproven_confirmation'];

/**
 * Walks a token through the pipeline of a guard. After a refusal that is about the time, the audience, the client or the proof of possession, it goes on as if
 * that were right, so that it finds everything that is wrong in one run. Nothing is introspected, and nothing is reported to anybody.
 *
 * @throws ConfigurationError if the options are wrong
 */
export async function diagnose(options: GuardOptions, given: GivenToken, wanted: Wanted): Promise<Diagnosis> {
  const policy = policyOf(wanted);
  const problems: { readonly at: StepName; readonly explanation: Explanation }[] = [];
  const unchecked = new Set<StepName>();
  let needsProof = false;
  const reasons = new Set<Reason>();
  let trial: Trial = { options, atMs: wanted.atMs, scheme: given.scheme ?? 'Bearer', isProven: false };
  let denial: Deny | undefined;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    denial = await refusalOf(trial, given.token, policy);
    if (!denial) break;
    const { reason } = denial;
    // a token without a scheme comes by the one that fits it. What is encrypted is known only here
    if (reason === 'bound_token_as_bearer' && given.scheme === undefined) {
      trial = Object.assign({}, trial, { scheme: 'DPoP' as const });
      continue;
    }
    const { step, unchecked: skipped } = stepOf(reason, denial.cause);
    // the same refusal again, or an outage after another refusal, says nothing new
    if (reasons.has(reason) || (problems.length > 0 && denial.status === 503)) break;
    reasons.add(reason);
    const explanation = denial.explain();
    if (WITHOUT_REQUEST.has(reason)) needsProof = true;
    else if (!problems.some(({ at }) => at === step)) problems.push({ at: step, explanation });
    for (const one of skipped) unchecked.add(one);
    const next = nextTrial(trial, step, explanation);
    if (!next) break;
    trial = next;
  }
  const isComplete = denial === undefined;
  const last = problems.at(-1)?.at;
  const isUnknown = denial?.status === 503 && problems.every(({ explanation }) => explanation.reason === denial.reason);
  return {
    isBound: OF_BOUND_TOKENS.some((reason) => reasons.has(reason)),
    verdict: isUnknown ? 'unknown' : !isComplete || problems.length > 0 ? 'refused' : needsProof ? 'proof-unchecked' : 'accepted',
    steps: PIPELINE.filter(({ name }) => name !== 'introspection').map(({ name, title }) => {
      const found = problems.find(({ at }) => at === name);
      if (found) return { step: name, title, verdict: 'failed', problem: found.explanation };
      if (name === 'revocation') return { step: name, title, verdict: 'unchecked', note: 'only the running API knows' };
      const isReached = isComplete || indexOf(name) < indexOf(last!);
      if (name === 'binding' && needsProof) return { step: name, title, verdict: 'unchecked', note: 'a proof belongs to a request' };
      if (!isReached || unchecked.has(name)) return { step: name, title, verdict: 'unchecked' };
      if (name === 'policy' && !policy) return { step: name, title, verdict: 'unchecked', note: 'add --scope or --role' };
      return { step: name, title: name === 'binding' ? 'It is bound to no sender, so it needs no proof' : title, verdict: 'passed' };
    }),
  };
}

function indexOf(name: StepName): number {
  return PIPELINE.findIndex((step) => step.name === name);
}

interface Trial {
  readonly options: GuardOptions;
  readonly atMs: number;
  readonly scheme: 'Bearer' | 'DPoP';
  /** Whether the proof of possession counts as given. */
  readonly isProven: boolean;
}

async function refusalOf({ options, atMs, scheme, isProven }: Trial, token: string, policy: Policy | undefined): Promise<Deny | undefined> {
  const guard = createResourceGuard({ ...options, tokenCache: false, clock: { now: () => atMs, monotonic: () => performance.now() } });
  try {
    const request = { method: 'GET', target: '/', headers: { authorization: `${scheme} ${token}` } };
    const requirements = policy ? { policy } : {};
    if (isProven) return await refusalBehindProof(guard, request, requirements);
    const decision = await checkSilently(guard, request, requirements);
    return decision.outcome === 'deny' ? decision : undefined;
  } finally {
    await guard.close();
  }
}

/** Returns the options and the time with which a refusal would not have happened; undefined if nothing after it could be checked. */
function nextTrial(trial: Trial, step: StepName, { reason, found }: Explanation): Trial | undefined {
  const without = (changes: GuardOptions): Trial => ({ ...trial, options: forEachIssuer(trial.options, changes) });
  if (step === 'binding') return { ...trial, isProven: true };
  switch (reason) {
    case 'expired':
      return { ...trial, atMs: dateIn(found) - 1000 };
    case 'not_yet_valid':
    case 'issued_in_the_future':
      return { ...trial, atMs: dateIn(found) + 1000 };
    case 'too_old':
      return without({ maxTokenAgeSeconds: undefined });
    case 'lifetime_too_long':
      return without({ maxTokenLifetimeSeconds: undefined });
    case 'audience_mismatch':
      return without({ audience: undefined, unsafeAcceptTokensForAnyAudience: true });
    case 'client_not_allowed':
      return without({ allowedClients: undefined });
    default:
      return undefined;
  }
}

/** Returns the date in what was found, rounded down to a second: `exp 2026-01-31T12:00:00Z`. The token may be encrypted, so its claims do not tell. */
function dateIn(found: string | undefined): number {
  return Date.parse(found?.replace(/^[a-z]+ /, '') ?? '');
}

function forEachIssuer(options: GuardOptions, changes: GuardOptions): GuardOptions {
  const { issuers } = options;
  if (!Array.isArray(issuers)) return { ...options, ...changes };
  const { audience: _audience, ...others } = options;
  return { ...others, issuers: issuers.map((one: GuardOptions) => Object.assign({}, one, changes)) };
}

function policyOf({ scopes, roles }: Wanted): Policy | undefined {
  const parts = [...(scopes.length > 0 ? [scope(...scopes)] : []), ...(roles.length > 0 ? [role(...roles)] : [])];
  return parts.length > 1 ? allOf(...parts) : parts[0];
}
