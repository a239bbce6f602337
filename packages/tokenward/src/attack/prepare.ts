import type { HostileToken } from '@tokenward/testing';
import type { Context } from '../context.js';
import { CannotRunError, UsageError } from '../errors.js';
import { shownIssuer } from '../lib/harmless.js';
import { isTemplate } from '../lib/tenant.js';
import { addressOf, askIssuer, localIssuers, severalIssuers, silentIssuer } from '../local-issuer/control-client.js';
import type { IssuerState } from '../local-issuer/state-file.js';
import { forged, type AttackCase } from './attack-case.js';
import { derivedTokens, partsOf } from './derived.js';
import { createKeyTrap } from './key-trap.js';
import { misplacedTokens } from './misplaced.js';
import { fetchPublicKeys } from './public-keys.js';
import { readToken } from './read-token.js';

/** What the route requires of a valid token of a local issuer. */
export interface TokenOptions {
  readonly subject: string | undefined;
  readonly audience: string | undefined;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Where a valid token may come from. */
export interface AttackSources extends Pick<Context, 'env' | 'stdin'> {
  /** The issuer of the command line: then it is the only one that counts. */
  readonly issuer: string | undefined;
  /** The issuers that the API names. None if the command line has one. */
  readonly named: readonly string[];
  readonly wanted: TokenOptions;
}

export interface AttackStart {
  /** A token that the server should admit. */
  readonly token: string;
  /** Collects the hostile requests. At a local issuer, invalid keys are published for them until `close()`. */
  collect(): Promise<CollectedAttack>;
}

export interface CollectedAttack {
  readonly cases: readonly AttackCase[];
  readonly table: 'full' | 'derived';
  readonly notes: readonly string[];
  /** How often something fetched a key from an address that a token named. */
  fetchedKeys(): number;
  close(): Promise<void>;
}

/** How long to wait for the first byte of a piped token: at first, and again if it is not clear that a local issuer can mint one instead. */
const PATIENCE_MS = { first: 1000, again: 29_000 };

/**
 * Finds a valid token: the one that is piped into the command, or a new one of a local issuer. If its issuer is a local issuer of this user, that issuer signs
 * most of the hostile tokens.
 *
 * @throws UsageError if there is no valid token to begin with
 * @throws CannotRunError if the local issuer does not answer, or if it is not clear which one is meant
 */
export async function prepare(sources: AttackSources): Promise<AttackStart> {
  const { stdin, issuer } = sources;
  let piped = await readToken(stdin, PATIENCE_MS.first);
  let local = await localIssuerOf(sources, piped);
  if (piped === undefined && (local === undefined || local instanceof CannotRunError)) {
    piped = await readToken(stdin, PATIENCE_MS.again);
    if (piped !== undefined) local = await localIssuerOf(sources, piped);
  }
  if (local instanceof CannotRunError) throw local;
  const token = piped ?? (await mint(local, sources));
  return { token, collect: () => collect(token, local, issuer) };
}

async function collect(token: string, local: IssuerState | undefined, issuer: string | undefined): Promise<CollectedAttack> {
  const parts = partsOf(token);
  const notes: string[] = parts ? [] : ['The valid token is not a JWT: only ways to send it were tried.'];
  const trap = await createKeyTrap();
  try {
    const signed = local && parts ? await signedByIssuer(local, parts.payload) : [];
    const keys = parts ? await keysOf(local?.issuer ?? issuer, notes) : [];
    return {
      cases: [...(parts ? derivedTokens(parts, keys, trap.origin) : []), ...signed, ...misplacedTokens(token)],
      table: signed.length > 0 ? 'full' : 'derived',
      notes,
      fetchedKeys: () => trap.hits,
      async close() {
        await trap.close();
        // if this fails, the issuer has ended and publishes nothing
        if (signed.length > 0) await askIssuer(local!, 'withdraw', {}).catch(() => undefined);
      },
    };
  } catch (error) {
    await trap.close();
    throw error;
  }
}

/**
 * Returns the local issuer of the token or of the command line, one that the API names, or the only one. Others are not asked. It returns an error if an issuer
 * does not answer, if its state file cannot be used, or if it is not clear which one is meant: a token that is piped later may say.
 */
async function localIssuerOf({ env, issuer, named }: AttackSources, token: string | undefined): Promise<IssuerState | CannotRunError | undefined> {
  let wanted = issuer === undefined ? named.map(addressOf) : [addressOf(issuer)];
  if (token !== undefined) {
    const ofToken = partsOf(token)?.payload['iss'];
    if (typeof ofToken !== 'string' || (issuer !== undefined && !wanted.includes(ofToken))) return undefined;
    wanted = [ofToken];
  }
  const isNamed = wanted.length > 0;
  const { running, silent, unusable } = await localIssuers(env, isNamed ? wanted : undefined);
  const [found, another] = running;
  // the API takes tokens of each that it names
  if (found && isNamed) return found;
  if (silent[0]) return silentIssuer(silent[0]);
  if (unusable) return unusable;
  if (another) return severalIssuers(running);
  return found;
}

async function mint(local: IssuerState | undefined, { issuer, named, wanted }: AttackSources): Promise<string> {
  if (!local) {
    throw new UsageError(
      issuer !== undefined
        ? 'no local issuer of yours runs at the address in --issuer, and no token was piped. Start it (npx tokenward issuer), or pipe a token of it into the command'
        : named.length > 0
          ? `the API names ${named.slice(0, 3).map(shownIssuer).join(', ')} as its authorization server, and no local issuer of yours runs at this address. Start it, pipe a token of it into the command, or choose another local issuer with --issuer`
          : 'there is no valid token to begin with. Start a local issuer in another terminal (npx tokenward issuer), or pipe a token into the command',
    );
  }
  const { scopes, roles, claims, subject, audience } = wanted;
  const request = {
    scopes,
    claims,
    ...(roles.length > 0 && { roles }),
    ...(subject !== undefined && { subject }),
    ...(audience !== undefined && { audience }),
  };
  const { token } = (await askIssuer(local, 'token', request)) as { readonly token?: unknown };
  if (typeof token !== 'string') throw new CannotRunError('the local issuer sent no token. Start it again: npx tokenward issuer');
  return token;
}

/** The claims that make the difference between a valid token and a hostile one are left to the hostile ones. */
async function signedByIssuer(
  local: IssuerState,
  { iss: _iss, iat: _iat, exp: _exp, jti: _jti, aud, ...claims }: Readonly<Record<string, unknown>>,
): Promise<readonly AttackCase[]> {
  const audience = [aud].flat().find((one) => typeof one === 'string' && local.audiences.includes(one));
  const { tokens } = (await askIssuer(local, 'hostile', { claims, audience })) as { readonly tokens: readonly HostileToken[] };
  return tokens.toSorted((one, other) => Number(isAboutForm(one)) - Number(isAboutForm(other))).map(({ name, token }) => forged(name, token));
}

/** Rules 2 to 18: tokens of a strange form, which only the issuer itself could sign. They matter less than wrong keys and claims, so they come last. */
function isAboutForm({ rule }: HostileToken): boolean {
  return rule < 19;
}

async function keysOf(issuer: string | undefined, notes: string[]) {
  if (issuer === undefined) {
    notes.push('Public keys were not tried as secrets: name the issuer with --issuer.');
    return [];
  }
  if (isTemplate(issuer)) {
    notes.push('Public keys were not tried as secrets: --issuer has {tenant}, and each tenant has keys of its own. Name the issuer of the token.');
    return [];
  }
  try {
    return await fetchPublicKeys(issuer);
  } catch {
    notes.push('Public keys were not tried as secrets: those of the issuer could not be fetched. Check it with npx tokenward doctor --issuer.');
    return [];
  }
}
