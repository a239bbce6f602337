import { allOf, createResourceGuard, role, scope, type Deny, type GuardOptions, type Policy, type Reason } from '@tokenward/core';
import { checkSilently, PIPELINE, readUntrusted, refusalBehindProof, stepOf, type Explanation, type StepName } from '@tokenward/core/diagnosis';
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
}

export interface Wanted {
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** The moment to check the token at, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** One refusal that is lifted on trial shows the next one. No token has more than these. */
const MAX_ROUNDS = 6;

/** A proof belongs to a request, and there is none here. */
const WITHOUT_REQUEST: ReadonlySet<Reason> = new Set(['missing_proof', 'missing_certificate']);

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
  let trial: Trial = { options, atMs: wanted.atMs, isProven: false };
  let denial: Deny | undefined;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    denial = await refusalOf(trial, given, policy);
    if (!denial) break;
    const { step, unchecked: skipped } = stepOf(denial.reason, denial.cause);
    // a second refusal at the same step, or one for an outage, says nothing new
    if (problems.some(({ at }) => at === step) || (round > 0 && denial.status === 503)) break;
    if (WITHOUT_REQUEST.has(denial.reason)) needsProof = true;
    else problems.push({ at: step, explanation: denial.explain() });
    for (const one of skipped) unchecked.add(one);
    const next = nextTrial(trial, step, denial.reason, given.token);
    if (!next) break;
    trial = next;
  }
  const isComplete = denial === undefined;
  const last = problems.at(-1)?.at;
  const isUnknown = denial?.status === 503 && problems.every(({ explanation }) => explanation.reason === denial.reason);
  return {
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
  /** Whether the proof of possession counts as given. */
  readonly isProven: boolean;
}

async function refusalOf({ options, atMs, isProven }: Trial, { token, scheme }: GivenToken, policy: Policy | undefined): Promise<Deny | undefined> {
  const guard = createResourceGuard({ ...options, tokenCache: false, clock: { now: () => atMs, monotonic: () => performance.now() } });
  try {
    const request = { method: 'GET', target: '/', headers: { authorization: `${scheme ?? schemeFor(token, options)} ${token}` } };
    const requirements = policy ? { policy } : {};
    if (isProven) return await refusalBehindProof(guard, request, requirements);
    const decision = await checkSilently(guard, request, requirements);
    return decision.outcome === 'deny' ? decision : undefined;
  } finally {
    await guard.close();
  }
}

/** A token without a scheme comes by the one that fits it. */
function schemeFor(token: string, { dpop }: GuardOptions): string {
  const cnf = readUntrusted(token).claims?.['cnf'];
  return dpop !== false && typeof cnf === 'object' && cnf !== null && Object.hasOwn(cnf, 'jkt') ? 'DPoP' : 'Bearer';
}

/** Returns the options and the time with which a refusal would not have happened; undefined if nothing after it could be checked. */
function nextTrial(trial: Trial, step: StepName, reason: Reason, token: string): Trial | undefined {
  const claims = readUntrusted(token).claims ?? {};
  const date = (name: string): number | undefined => (typeof claims[name] === 'number' ? claims[name] * 1000 : undefined);
  const without = (changes: GuardOptions): Trial => ({ ...trial, options: forEachIssuer(trial.options, changes) });
  if (step === 'binding') return { ...trial, isProven: true };
  switch (reason) {
    case 'expired':
      return { ...trial, atMs: (date('exp') ?? 0) - 1000 };
    case 'not_yet_valid':
    case 'issued_in_the_future':
      return { ...trial, atMs: Math.max(date('nbf') ?? 0, date('iat') ?? 0) };
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
