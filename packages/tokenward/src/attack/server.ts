import { CannotRunError } from '../errors.js';
import { shownAddress } from '../lib/harmless.js';
import type { Exchange, NoAnswer, ReceivedAnswer } from './exchange.js';
import type { Target } from './target.js';

/** A server that listens, and its answer to a request without a token. */
export interface FoundServer {
  readonly target: Target;
  readonly answer: ReceivedAnswer | NoAnswer;
}

/**
 * Returns the first target that something listens on.
 *
 * @throws CannotRunError if nothing does
 */
export async function firstThatAnswers(targets: readonly Target[], exchange: Exchange): Promise<FoundServer> {
  for (const target of targets) {
    const answer = await exchange(target, {});
    if (answer.kind !== 'refused-connection') return { target, answer };
  }
  throw new CannotRunError(`no server answers at ${targets[0]!.url.origin}. Start yours first`);
}

/**
 * Returns the authorization servers in the metadata of an API, if its challenge names metadata (RFC 9728 s5.1). The result only chooses among issuers of this
 * user, so nothing else in the document is checked.
 *
 * @throws CannotRunError if the metadata does not arrive whole
 */
export async function namedIssuers({ target, answer }: FoundServer, exchange: Exchange): Promise<readonly string[]> {
  const challenge = answer.kind === 'answer' ? (answer.challenge ?? '') : '';
  const metadata = URL.parse(/\bresource_metadata="([^"]+)"/i.exec(challenge)?.[1] ?? '');
  // the path of another kind of URL, such as urn:1, need not begin with a slash
  if (metadata?.protocol !== 'https:' && metadata?.protocol !== 'http:') return [];
  // its address may be the public one of the API. Only the server that is attacked is asked, which has the document at the same path
  const url = new URL(target.url);
  url.pathname = metadata.pathname;
  url.search = metadata.search;
  const found = await exchange({ ...target, url }, {});
  if (found.kind !== 'answer' || found.status !== 200) return [];
  if (!found.isComplete) {
    throw new CannotRunError(
      `the metadata that the API names in its challenge is too large, or does not end, so its issuers are unknown: ${shownAddress(url.href)}. Name the issuer with --issuer`,
    );
  }
  try {
    const { authorization_servers: servers } = Object(JSON.parse(found.body)) as { readonly authorization_servers?: unknown };
    return Array.isArray(servers) ? servers.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}
