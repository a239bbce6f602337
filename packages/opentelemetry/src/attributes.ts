import type { Attributes } from '@opentelemetry/api';
import { reasonOf, statusOf } from './closed-sets.js';

/** The names of attributes. `error.type` and `http.response.status_code` are OpenTelemetry's, which has none for access tokens. */
export const ATTRIBUTE = {
  outcome: 'tokenward.outcome',
  /** Of a refusal, on metrics. */
  errorType: 'error.type',
  /** The same on spans, whose `error.type` belongs to whoever made the span. */
  reason: 'tokenward.reason',
  status: 'http.response.status_code',
  issuer: 'tokenward.issuer',
  guard: 'tokenward.guard',
  revocationKind: 'tokenward.revocation.kind',
  revocationReason: 'tokenward.revocation.reason',
  reused: 'tokenward.reused',
  replayed: 'tokenward.replayed',
  channel: 'tokenward.security_event.channel',
  securityEventOutcome: 'tokenward.security_event.outcome',
  usable: 'tokenward.usable',
} as const;

/** The attributes of one decision on each signal. */
export interface DecisionAttributes {
  readonly request: Attributes;
  readonly duration: Attributes;
  readonly span: Attributes;
}

/** The attributes of one issuer: each is made once, and not at each request. */
export interface IssuerAttributes {
  readonly name: string;
  readonly alone: Attributes;
  readonly accepted: DecisionAttributes;
  readonly anonymous: DecisionAttributes;
  refused(reason: unknown, status: unknown): DecisionAttributes;
  /** With one more, or two, whose values are of closed sets. */
  with(name: string, value: string | boolean, otherName?: string, otherValue?: string): Attributes;
}

export function createIssuerAttributes(name: string): IssuerAttributes {
  const alone = Object.freeze({ [ATTRIBUTE.issuer]: name });
  const refusedDuration = Object.freeze({ ...alone, [ATTRIBUTE.outcome]: 'refused' });
  const refusals = new Map<string, Map<number | undefined, DecisionAttributes>>();
  const others = new Map<string, Attributes>();

  function makeRefused(reason: string, status: number | undefined): DecisionAttributes {
    return {
      request: Object.freeze({ ...refusedDuration, [ATTRIBUTE.errorType]: reason, ...(status !== undefined && { [ATTRIBUTE.status]: status }) }),
      duration: refusedDuration,
      span: Object.freeze({ ...refusedDuration, [ATTRIBUTE.reason]: reason }),
    };
  }

  return {
    name,
    alone,
    accepted: admitted(alone, 'accepted'),
    anonymous: admitted(alone, 'anonymous'),
    refused(givenReason, givenStatus) {
      const reason = reasonOf(givenReason);
      const status = statusOf(givenStatus);
      let byStatus = refusals.get(reason);
      if (!byStatus) refusals.set(reason, (byStatus = new Map<number | undefined, DecisionAttributes>()));
      let made = byStatus.get(status);
      if (!made) byStatus.set(status, (made = makeRefused(reason, status)));
      return made;
    },
    with(name, value, otherName, otherValue) {
      const key = `${name} ${value} ${otherValue}`;
      let made = others.get(key);
      if (!made) others.set(key, (made = Object.freeze({ ...alone, [name]: value, ...(otherName !== undefined && { [otherName]: otherValue }) })));
      return made;
    },
  };
}

function admitted(issuer: Attributes, outcome: string): DecisionAttributes {
  const attributes = Object.freeze({ ...issuer, [ATTRIBUTE.outcome]: outcome });
  return { request: attributes, duration: attributes, span: attributes };
}
