import type { Reason } from '../vocabulary/reason.js';
import { printable } from '../lib/url.js';

const MAX_ITEMS = 12;
const MAX_CHARACTERS = 120;

/** How the values of each reason are printed. The values of other reasons are claims, of which only the type is shown (rule 142). */
const FORMS: Partial<Record<Reason, Form>> = {
  wrong_type: { name: 'typ', values: 'text' },
  algorithm_not_allowed: { name: 'alg', values: 'text' },
  unknown_key: { name: 'kid', values: 'text' },
  bad_signature: { name: 'kid', values: 'text' },
  issuer_mismatch: { name: 'iss', values: 'text' },
  audience_mismatch: { name: 'aud', values: 'text' },
  client_not_allowed: { name: 'client', values: 'text' },
  missing_claim: { name: '', values: 'text' },
  expired: { name: 'exp', values: 'date', relation: 'later than' },
  not_yet_valid: { name: 'nbf', values: 'date', relation: 'no later than' },
  issued_in_the_future: { name: 'iat', values: 'date', relation: 'no later than' },
  too_old: { name: 'iat', values: 'date', relation: 'no earlier than' },
  lifetime_too_long: { name: '', values: 'seconds', relation: 'at most' },
  stale_authentication: { name: 'a login', values: 'seconds', relation: 'no older than', after: 'ago' },
  // a header, by which browsers say who caused a request
  cross_site_request: { name: '', values: 'text' },
  // a proof's htm, htu and iat
  invalid_proof: { name: '', values: 'text' },
  insufficient_scope: { name: 'scopes', values: 'text' },
  insufficient_role: { name: 'roles', values: 'text' },
  // a member of a header that is not encrypted: kid, alg, enc, typ or cty
  encrypted_token: { name: '', values: 'text' },
  malformed_token: { name: '', values: 'phrase' },
  malformed_credentials: { name: '', values: 'phrase' },
  token_too_large: { name: '', values: 'phrase' },
  not_an_access_token: { name: '', values: 'phrase' },
  policy_refused: { name: '', values: 'phrase' },
};

interface Form {
  readonly name: string;
  /** `phrase`: fixed words of this package, printed without quotes. */
  readonly values: 'text' | 'date' | 'seconds' | 'phrase';
  /** How a value compares with the expected one, if that is a limit. */
  readonly relation?: string;
  /** What follows a value that was found. */
  readonly after?: string;
}

/** Returns the text of the expected value. It comes from the configuration, so it may be printed for every reason. */
export function shownExpected(reason: Reason, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const form = FORMS[reason];
  // outside the table, a string is a description of this package, and a list contains configured values
  const text = items(value, form?.values ?? (typeof value === 'string' ? 'phrase' : 'text'));
  return [form?.name, form?.relation, text].filter(Boolean).join(' ');
}

/** Returns the text of the value found if the table above allows it, otherwise only its type. */
export function shownFound(reason: Reason, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const form = FORMS[reason];
  if (!form) return typeName(value);
  // null means that the value is absent
  return [form.name, ...(value === null ? ['none'] : [items(value, form.values), form.after])].filter(Boolean).join(' ');
}

/** Returns a value, or the result of a function that computes it: only an explanation pays for it. */
export function resolved(value: unknown): unknown {
  if (typeof value !== 'function') return value;
  try {
    return (value as () => unknown)();
  } catch {
    return undefined;
  }
}

function items(value: unknown, form: Form['values']): string {
  const list: readonly unknown[] | undefined = Array.isArray(value) ? value : value instanceof Set ? [...(value as Set<unknown>)] : undefined;
  if (!list) return item(value, form);
  if (list.length === 0) return 'none';
  const shown = list.slice(0, MAX_ITEMS).map((one) => item(one, form));
  return list.length > MAX_ITEMS ? `${shown.join(', ')} and ${list.length - MAX_ITEMS} more` : shown.join(', ');
}

function item(value: unknown, form: Form['values']): string {
  if (typeof value === 'string') return form === 'phrase' ? printable(value, MAX_CHARACTERS) : JSON.stringify(printable(value, MAX_CHARACTERS));
  if (typeof value === 'number') return form === 'date' ? dateText(value) : form === 'seconds' ? `${Math.round(value)} s` : String(value);
  return typeof value === 'boolean' ? String(value) : typeName(value);
}

/** Returns a NumericDate (RFC 7519 s2) in a form that can be compared with a clock. */
function dateText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s since the epoch` : date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Returns the type of a value, without the value. */
function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : `an array of ${plural(typeof value[0])}`;
  switch (typeof value) {
    case 'undefined':
      return 'nothing';
    case 'object':
      return 'an object';
    default:
      return `a ${typeof value}`;
  }
}

function plural(type: string): string {
  return type === 'object' ? 'objects' : `${type}s`;
}
