import { createRemoteJWKSet, jwtVerify } from 'jose';
import { answerFrom, type Answer } from './answer.ts';
import { setting } from './listen.ts';

interface Known {
  readonly token: string;
  readonly answer: Answer;
  readonly endsAt: number;
}

/** Tells whom a request is from by its `Authorization` field. */
export interface Floor {
  /** Looks up a token that was seen before: the least that anybody could do. */
  known(field: string | undefined): Answer | undefined;
  /** Verifies a new token. undefined: it is not valid. */
  verified(field: string | undefined): Promise<Answer | undefined>;
}

const BEARER = 'Bearer ';
const TAIL_LENGTH = 32;

/** Creates a floor: jose verifies each token once. From then on only its text is compared, and its expiry. */
export function createFloor(): Floor {
  const issuer = setting('ISSUER_BASE_URL');
  const audience = setting('AUDIENCE');
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const tokens = new Map<string, Known>();

  return {
    known(field) {
      if (field === undefined || !field.startsWith(BEARER)) return undefined;
      const token = field.slice(BEARER.length);
      const found = tokens.get(token.slice(-TAIL_LENGTH));
      return found?.token === token && Date.now() < found.endsAt ? found.answer : undefined;
    },
    async verified(field) {
      if (field === undefined || !field.startsWith(BEARER)) return undefined;
      const token = Buffer.from(field.slice(BEARER.length), 'latin1').toString('latin1');
      try {
        const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['RS256'] });
        const answer = answerFrom(payload);
        // a copy, since a slice would keep the whole token in memory
        tokens.set(Buffer.from(token.slice(-TAIL_LENGTH), 'latin1').toString('latin1'), { token, answer, endsAt: payload.exp! * 1000 });
        return answer;
      } catch {
        return undefined;
      }
    },
  };
}
