import { allOf, createResourceGuard, role, scope, type Decision, type Deny, type GuardOptions, type Policy } from '@tokenward/core';
import { checkSilently, PIPELINE, readUntrusted, stepOf, type Explanation, type StepName } from '@tokenward/core/diagnosis';
import type { GivenToken } from './read-token.js';

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
  /** `accepted`: the API would admit it. `unknown`: an outage prevents an answer. */
  readonly verdict: 'accepted' | 'refused' | 'unknown';
  readonly steps: readonly Step[];
}

export interface Wanted {
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** The moment to check the token at, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** One refusal that is lifted on trial shows the next one. No token has more than these. */
const MAX_ROUNDS = 5;

/**
 * Walks a token through the pipeline of a guard. After a refusal that is about the time, the audience or the client, it goes on as if that were right, so that it
 * finds everything that is wrong in one run. Nothing is introspected, and nothing is reported to anybody.
 *
 * @throws ConfigurationError if the options are wrong
 */
export async function diagnose(options: GuardOptions, given: GivenToken, wanted: Wanted): Promise<Diagnosis> {
  const policy = policyOf(wanted);
  const problems: { readonly at: StepName; readonly explanation: Explanation }[] = [];
  const unchecked = new Set<StepName>();
  let trial: Trial = { options, atMs: wanted.atMs };
  let decision: Decision | undefined;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    decision = await decide(trial, given, policy);
    if (decision.outcome === 'allow') break;
    const { step, unchecked: skipped } = stepOf(decision.reason, decision.cause);
    // a trial that is refused for the same again, or for an outage, says nothing new
    if (problems.some(({ at }) => at === step) || (round > 0 && decision.status === 503)) break;
    problems.push({ at: step, explanation: decision.explain() });
    for (const one of skipped) unchecked.add(one);
    const next = nextTrial(trial, decision, given.token);
    if (!next) break;
    trial = next;
  }
  const isComplete = decision?.outcome === 'allow';
  const last = problems.at(-1)?.at;
  const isUnknown = decision?.outcome === 'deny' && decision.status === 503 && problems.length === 1;
  return {
    verdict: problems.length === 0 ? 'accepted' : isUnknown ? 'unknown' : 'refused',
    steps: PIPELINE.filter(({ name }) => name !== 'introspection').map(({ name, title }) => {
      const found = problems.find(({ at }) => at === name);
      if (found) return { step: name, title, verdict: 'failed', problem: found.explanation };
      if (name === 'revocation') return { step: name, title, verdict: 'unchecked', note: 'only the running API knows' };
      const isReached = isComplete || indexOf(name) < indexOf(last!);
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
}

async function decide({ options, atMs }: Trial, { token, scheme }: GivenToken, policy: Policy | undefined): Promise<Decision> {
  const guard = createResourceGuard({ ...options, tokenCache: false, clock: { now: () => atMs, monotonic: () => performance.now() } });
  try {
    const request = { method: 'GET', target: '/', headers: { authorization: `${scheme} ${token}` } };
    return await checkSilently(guard, request, policy ? { policy } : {});
  } finally {
    await guard.close();
  }
}

/** Returns the options and the time with which a refusal would not have happened; undefined if nothing after it could be checked. */
function nextTrial({ options, atMs }: Trial, { reason }: Deny, token: string): Trial | undefined {
  const claims = readUntrusted(token).claims ?? {};
  const date = (name: string): number | undefined => (typeof claims[name] === 'number' ? claims[name] * 1000 : undefined);
  switch (reason) {
    case 'expired':
      return { options, atMs: (date('exp') ?? 0) - 1000 };
    case 'not_yet_valid':
    case 'issued_in_the_future':
      return { options, atMs: Math.max(date('nbf') ?? 0, date('iat') ?? 0) };
    case 'too_old':
      return { options: forEachIssuer(options, { maxTokenAgeSeconds: undefined }), atMs };
    case 'lifetime_too_long':
      return { options: forEachIssuer(options, { maxTokenLifetimeSeconds: undefined }), atMs };
    case 'audience_mismatch':
      return { options: forEachIssuer(options, { audience: undefined, unsafeAcceptTokensForAnyAudience: true }), atMs };
    case 'client_not_allowed':
      return { options: forEachIssuer(options, { allowedClients: undefined }), atMs };
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
