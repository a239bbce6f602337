import { CannotRunError } from '../errors.js';
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
 */
export async function namedIssuers({ target, answer }: FoundServer, exchange: Exchange): Promise<readonly string[]> {
  const challenge = answer.kind === 'answer' ? (answer.challenge ?? '') : '';
  const metadata = URL.parse(/\bresource_metadata="([^"]+)"/i.exec(challenge)?.[1] ?? '');
  if (!metadata) return [];
  // its address may be the public one of the API. Only the server that is attacked is asked, which has the document at the same path
  const url = new URL(`${target.url.origin}${metadata.pathname}${metadata.search}`);
  const found = await exchange({ ...target, url }, {});
  if (found.kind !== 'answer' || found.status !== 200) return [];
  try {
    const { authorization_servers: servers } = Object(JSON.parse(found.body)) as { readonly authorization_servers?: unknown };
    return Array.isArray(servers) ? servers.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}
