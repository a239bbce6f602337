import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** The part of an access token's content that the token response repeats. */
export interface RefreshedContent {
  readonly scopes?: readonly string[] | undefined;
  readonly lifetimeSeconds?: number | undefined;
}

/** The refresh tokens of a test issuer, and its token endpoint. */
export interface RefreshTokens<C extends RefreshedContent> {
  readonly refreshes: { readonly granted: number; readonly refused: number };
  /** @param content of the access tokens that it is good for */
  issue(content: C): string;
  /** Answers a request to the token endpoint (RFC 6749 s6). It never rejects. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

const DEFAULT_LIFETIME_SECONDS = 300;

/** Creates refresh tokens that are rotated: each is good for one use (RFC 9700 s4.14.2). */
export function createRefreshTokens<C extends RefreshedContent>(issueToken: (content: C) => Promise<string>): RefreshTokens<C> {
  const live = new Map<string, C>();
  const refreshes = { granted: 0, refused: 0 };

  function issue(content: C): string {
    const refreshToken = `refresh-${crypto.randomUUID()}`;
    live.set(refreshToken, content);
    return refreshToken;
  }

  async function responseTo(form: string): Promise<{ readonly status: number; readonly body: object }> {
    const parameters = new URLSearchParams(form);
    const refreshToken = parameters.get('refresh_token') ?? '';
    const content = live.get(refreshToken);
    if (parameters.get('grant_type') !== 'refresh_token') return { status: 400, body: { error: 'unsupported_grant_type' } };
    if (!content) return { status: 400, body: { error: 'invalid_grant' } };
    live.delete(refreshToken);
    const { scopes, lifetimeSeconds = DEFAULT_LIFETIME_SECONDS } = content;
    const tokens = { access_token: await issueToken(content), refresh_token: issue(content), token_type: 'Bearer' };
    return { status: 200, body: { ...tokens, expires_in: lifetimeSeconds, scope: scopes?.join(' ') } };
  }

  return {
    refreshes,
    issue,
    async answer(request, response) {
      try {
        const answer = await responseTo(await text(request));
        refreshes[answer.status === 200 ? 'granted' : 'refused']++;
        response.writeHead(answer.status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(answer.body));
      } catch {
        response.destroy();
      }
    },
  };
}
