import { createTestIssuer, hostileTokens } from '@tokenward/testing';
import { AUDIENCE } from './claims.ts';
import type { Framework } from './framework.ts';
import { startServer } from './http/server-process.ts';
import { servers } from './http/servers/index.ts';

/** How a server answers the tokens that no guard may accept, each sent once as a Bearer token. */
export interface HostileResult {
  readonly framework: Framework;
  readonly name: string;
  readonly tokens: number;
  /** Number of answers with 200, by the number of the rule that the token breaks. */
  readonly accepted: Readonly<Record<number, number>>;
  /** Number of answers with 5xx. */
  readonly failures: number;
  /** Number of answers with 401 and no `WWW-Authenticate`, which RFC 9110 s15.5.2 requires. */
  readonly withoutChallenge: number;
}

const ANSWER_SECONDS = 10;

export async function countHostile(frameworks: readonly Framework[]): Promise<HostileResult[]> {
  const results: HostileResult[] = [];
  for (const candidate of servers.filter(({ framework, isProtected }) => isProtected && frameworks.includes(framework))) {
    // one issuer per server: some rows need odd keys, which must be published before the server fetches them
    const issuer = await createTestIssuer({ audience: AUDIENCE });
    const rows = await hostileTokens(issuer);
    const server = await startServer(candidate, issuer);
    const accepted: Record<number, number> = {};
    let failures = 0;
    let withoutChallenge = 0;
    try {
      for (const { rule, token } of rows) {
        const response = await fetch(`http://127.0.0.1:${server.port}/me`, {
          headers: { authorization: `Bearer ${token}` },
          signal: AbortSignal.timeout(ANSWER_SECONDS * 1000),
        });
        await response.body?.cancel();
        if (response.status === 200) accepted[rule] = (accepted[rule] ?? 0) + 1;
        else if (response.status >= 500) failures++;
        else if (response.status === 401 && !response.headers.has('www-authenticate')) withoutChallenge++;
      }
    } finally {
      await server.stop();
      await issuer.close();
    }
    results.push({ framework: candidate.framework, name: candidate.name, tokens: rows.length, accepted, failures, withoutChallenge });
  }
  return results;
}
