import { own } from '../lib/json.js';
import type { OptionReader } from '../lib/option-reader.js';
import { shown } from '../lib/shown-option.js';
import type { IssuerOptions } from './issuer-options.js';
import { isTenant, TENANT } from './tenants.js';

/** The identifiers of one entry of `issuers`: one, or one for each tenant. */
interface Identifiers {
  readonly segments: readonly string[];
  readonly isTemplate: boolean;
  /** undefined: any. */
  readonly tenants: ReadonlySet<unknown> | undefined;
}

/**
 * Reports entries of `issuers` that have an identifier in common. The order of the list would otherwise decide which entry's rules apply to a token.
 *
 * @param listed undefined for entries that are reported already
 */
export function checkOverlaps(reader: OptionReader, listed: readonly (IssuerOptions | undefined)[]): void {
  const names = listed.map((one) => one && own(one, 'issuer'));
  const identifiers = listed.map((one) => identifiersOf(one ?? {}));
  for (const [index, name] of names.entries()) {
    if (typeof name !== 'string') continue;
    if (names.indexOf(name) < index) {
      reader.wrong(`issuers[${index}].issuer`, 'is duplicated. List each issuer once');
      continue;
    }
    for (const [other, theirs] of identifiers.entries()) {
      // two plain issuers differ in name; of two templates, the later one is reported
      if (other === index || names[other] === name || !theirs.isTemplate || (identifiers[index]!.isTemplate && other > index)) continue;
      const both = commonIdentifier(identifiers[index]!, theirs);
      if (both === undefined) continue;
      const what = identifiers[index]!.isTemplate
        ? `and ${shown(names[other], 'url')} both stand for ${shown(both, 'url')}`
        : `is also a tenant of ${shown(names[other], 'url')}`;
      reader.wrong(`issuers[${index}].issuer`, `${what}, so it is ambiguous whose rules apply. Remove that tenant from one of them`);
      break;
    }
  }
}

function identifiersOf(one: IssuerOptions): Identifiers {
  const [issuer, tenants] = [own(one, 'issuer'), own(one, 'tenants')];
  const segments = typeof issuer === 'string' ? issuer.split('/') : [];
  const listed: ReadonlySet<unknown> = new Set(Array.isArray(tenants) ? (tenants as unknown[]) : []);
  return { segments, isTemplate: segments.includes(TENANT), tenants: own(one, 'unsafeAcceptAnyTenant') === true ? undefined : listed };
}

/** Returns an identifier that both entries stand for. `{tenant}` is a whole segment, so it is enough to compare segment by segment. */
function commonIdentifier(one: Identifiers, other: Identifiers): string | undefined {
  if (one.segments.length !== other.segments.length) return undefined;
  const both: string[] = [];
  for (const [at, segment] of one.segments.entries()) {
    const common = commonSegment(segment, one.tenants, other.segments[at]!, other.tenants);
    if (common === undefined) return undefined;
    both.push(common);
  }
  return both.join('/');
}

function commonSegment(one: string, ours: Identifiers['tenants'], other: string, theirs: Identifiers['tenants']): string | undefined {
  if (one !== TENANT && other !== TENANT) return one === other ? one : undefined;
  if (other !== TENANT) return isAmong(other, ours) ? other : undefined;
  if (one !== TENANT) return isAmong(one, theirs) ? one : undefined;
  if (!ours && !theirs) return 'any';
  return [...(ours ?? theirs!)].find((tenant): tenant is string => isAmong(tenant, ours) && isAmong(tenant, theirs));
}

function isAmong(tenant: unknown, tenants: Identifiers['tenants']): boolean {
  return typeof tenant === 'string' && isTenant(tenant) && tenants?.has(tenant) !== false;
}
