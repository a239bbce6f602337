import { createTestIssuer, hostileTokens } from '@tokenward/testing';
import { AUDIENCE } from './claims.ts';
import type { Framework } from './framework.ts';
import { startServer } from './http/server-process.ts';
import { servers } from './http/servers/index.ts';

/** What a server made of the tokens that no guard may accept, each sent once as a Bearer token. */
export interface HostileResult {
  readonly framework: Framework;
  readonly name: string;
  readonly tokens: number;
  /** Answered with 200, by the number of the rule that the token breaks. */
  readonly accepted: Readonly<Record<number, number>>;
  /** Answered with 5xx. */
  readonly failures: number;
  /** 401 without a `WWW-Authenticate` field, which RFC 9110 s15.5.2 demands. */
  readonly withoutChallenge: number;
}

const ANSWER_SECONDS = 10;

export async function countHostile(frameworks: readonly Framework[]): Promise<HostileResult[]> {
  const results: HostileResult[] = [];
  for (const candidate of servers.filter(({ framework, isProtected }) => isProtected && frameworks.includes(framework))) {
    // an issuer for each, since some rows need odd keys that must be there before the keys are fetched
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
