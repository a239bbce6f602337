import type { Attributes } from '@opentelemetry/api';
import { reasonOf, statusOf } from './closed-sets.js';

/** The names of attributes. OpenTelemetry defines `error.type` and `http.response.status_code`, and none for access tokens. */
export const ATTRIBUTE = {
  outcome: 'tokenward.outcome',
  /** The reason of a refusal, on metrics. */
  errorType: 'error.type',
  /** The same on spans, where `error.type` belongs to the code that created the span. */
  reason: 'tokenward.reason',
  status: 'http.response.status_code',
  issuer: 'tokenward.issuer',
  guard: 'tokenward.guard',
  revocationKind: 'tokenward.revocation.kind',
  revocationReason: 'tokenward.revocation.reason',
  reused: 'tokenward.reused',
  replayed: 'tokenward.replayed',
  certificateCause: 'tokenward.certificate.cause',
  channel: 'tokenward.security_event.channel',
  securityEventOutcome: 'tokenward.security_event.outcome',
  sessionAction: 'tokenward.session.action',
  sessionOutcome: 'tokenward.session.outcome',
  sessionReason: 'tokenward.session.reason',
  introspectionOutcome: 'tokenward.introspection.outcome',
  usable: 'tokenward.usable',
  /** Where the keys come from. */
  keySource: 'tokenward.keys.source',
} as const;

/** The attributes of one decision: on the counter, the histogram and the span. */
export interface DecisionAttributes {
  readonly request: Attributes;
  readonly duration: Attributes;
  readonly span: Attributes;
}

/** The attributes of one issuer. Each object is created once and reused for later requests. */
export interface IssuerAttributes {
  readonly name: string;
  readonly issuerOnly: Attributes;
  readonly accepted: DecisionAttributes;
  readonly anonymous: DecisionAttributes;
  refused(reason: unknown, status: unknown): DecisionAttributes;
  /** Returns the issuer's attributes with more, whose values come from closed sets. */
  with(...more: readonly (readonly [name: string, value: string | boolean])[]): Attributes;
}

/** Creates the attributes of one issuer. */
export function createIssuerAttributes(name: string): IssuerAttributes {
  const issuerOnly = Object.freeze({ [ATTRIBUTE.issuer]: name });
  const refusedDuration = Object.freeze({ ...issuerOnly, [ATTRIBUTE.outcome]: 'refused' });
  const refusals = new Map<string, Map<number | undefined, DecisionAttributes>>();
  const extended = new Map<string, Attributes>();

  function createRefusal(reason: string, status: number | undefined): DecisionAttributes {
    return {
      request: Object.freeze({ ...refusedDuration, [ATTRIBUTE.errorType]: reason, ...(status !== undefined && { [ATTRIBUTE.status]: status }) }),
      duration: refusedDuration,
      span: Object.freeze({ ...refusedDuration, [ATTRIBUTE.reason]: reason }),
    };
  }

  return {
    name,
    issuerOnly,
    accepted: admittedAs(issuerOnly, 'accepted'),
    anonymous: admittedAs(issuerOnly, 'anonymous'),
    refused(givenReason, givenStatus) {
      const reason = reasonOf(givenReason);
      const status = statusOf(givenStatus);
      let byStatus = refusals.get(reason);
      if (!byStatus) refusals.set(reason, (byStatus = new Map<number | undefined, DecisionAttributes>()));
      let attributes = byStatus.get(status);
      if (!attributes) byStatus.set(status, (attributes = createRefusal(reason, status)));
      return attributes;
    },
    with(...more) {
      const key = more.map(([name, value]) => `${name} ${value}`).join(' ');
      let attributes = extended.get(key);
      if (!attributes) extended.set(key, (attributes = Object.freeze({ ...issuerOnly, ...Object.fromEntries(more) })));
      return attributes;
    },
  };
}

function admittedAs(issuer: Attributes, outcome: string): DecisionAttributes {
  const attributes = Object.freeze({ ...issuer, [ATTRIBUTE.outcome]: outcome });
  return { request: attributes, duration: attributes, span: attributes };
}
