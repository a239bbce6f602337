import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { createRequire } from 'node:module';
import { createResourceGuard, type Jwks } from '@tokenward/core';
import { createDpopClient, createTestIssuer, type DpopClient, type TestIssuer } from '@tokenward/testing';
import { AUDIENCE, accessTokenClaims } from './claims.ts';
import { summarise, type Figures } from './figures.ts';
import { collectYoungGarbage } from './garbage.ts';
import { createMeter } from './meter.ts';
import type { Random } from './random.ts';
import { runInterleaved, type Contender, type Rounds } from './rounds.ts';
import { derOf } from './validation/der.ts';

export interface DpopPlan {
  readonly rounds: Rounds;
  /** Requests to each contender in each round. */
  readonly sliceSize: number;
  /** Clients whose key and token are known. */
  readonly knownClients: number;
  /** Clients that rotate, so that a key is evicted before its client comes again. */
  readonly clients: number;
}

/** A client with a key of its own and a token that is bound to it. */
interface Caller {
  readonly client: DpopClient;
  readonly token: string;
}

/** A request as it arrives: strings that were just made. Each has a new proof. */
interface Arrived {
  readonly authorization: string;
  readonly dpop: string;
  readonly caller: Caller;
}

interface Candidate {
  readonly name: string;
  readonly callers: 'known' | 'rotating';
  /** Prepares one request. Only the attempt is measured. */
  present(request: Arrived): () => unknown;
}

/** Required without its types, which declare `auth` of Express' requests differently than @tokenward/express does. */
const { auth } = createRequire(import.meta.url)('express-oauth2-jwt-bearer') as {
  auth(options: object): (request: object, response: object, next: (error?: unknown) => void) => Promise<void>;
};

const FLOOR = 'node:crypto verify of the proof (floor)';
const HOST = 'api.example.com';
const URL_OF_ORDERS = `https://${HOST}/orders`;

/** Measures the CPU time of one request with a token that is bound to a key, and a new ES256 proof. */
export async function measureDpop(plan: DpopPlan, random: Random): Promise<readonly Figures[]> {
  const issuer = await createTestIssuer({ audience: AUDIENCE });
  try {
    const callers = await createCallers(plan.clients, issuer);
    const contenders: Contender[] = [];
    for (const candidate of candidatesFor(issuer)) {
      await assertCorrect(candidate, callers[0]!, callers[1]!);
      contenders.push(contenderOf(candidate, candidate.callers === 'known' ? callers.slice(0, plan.knownClients) : callers, plan));
    }
    return summarise(await runInterleaved(contenders, plan.rounds, random), FLOOR);
  } finally {
    await issuer.close();
  }
}

async function createCallers(count: number, issuer: TestIssuer): Promise<readonly Caller[]> {
  const callers: Caller[] = [];
  while (callers.length < count) {
    const client = await createDpopClient();
    callers.push({ client, token: await issuer.issueToken({ claims: accessTokenClaims(issuer.issuer, client.claims) }) });
  }
  return callers;
}

function candidatesFor({ issuer, jwks }: TestIssuer): readonly Candidate[] {
  const options = { issuer, audience: AUDIENCE, jwks: jwks as unknown as Jwks, publicOrigin: `https://${HOST}` };
  return [
    { name: FLOOR, callers: 'known', present: presentToNode },
    {
      name: 'a request, not checked',
      callers: 'known',
      present:
        ({ dpop }) =>
        () =>
          dpop.length > 0,
    },
    guardCandidate('tokenward guard.check, token and key seen before', 'known', options),
    guardCandidate('tokenward guard.check, key seen first', 'rotating', options),
    expressCandidate(issuer),
  ];
}

/** The signature check alone, on decoded bytes in the form that OpenSSL takes, with an imported key. */
const presentToNode: Candidate['present'] = ({ dpop, caller }) => {
  const key = keyOf(caller.client);
  const end = dpop.lastIndexOf('.');
  const signed = Buffer.from(dpop.slice(0, end), 'latin1');
  const signature = derOf(Buffer.from(dpop.slice(end + 1), 'base64url'));
  return () => verify('sha256', signed, key, signature);
};

const keys = new WeakMap<DpopClient, ReturnType<typeof createPublicKey>>();

function keyOf(client: DpopClient): ReturnType<typeof createPublicKey> {
  const key = keys.get(client) ?? createPublicKey({ key: client.publicJwk as JsonWebKey, format: 'jwk' });
  keys.set(client, key);
  return key;
}

function guardCandidate(name: string, callers: Candidate['callers'], options: Parameters<typeof createResourceGuard>[0]): Candidate {
  const guard = createResourceGuard({ ...options, dpop: { maxReplays: 10_000_000 } });
  return {
    name,
    callers,
    present({ authorization, dpop }) {
      const request = { method: 'GET', target: '/orders', headers: { authorization, dpop, host: HOST } };
      return () => {
        const decision = guard.check(request);
        if (decision instanceof Promise) throw new Error('a check of a known token must not wait');
        return decision.outcome === 'allow';
      };
    },
  };
}

/** Its middleware with a request that has what it reads. It caches keys, verifies the token each time, and remembers no proof. */
function expressCandidate(issuerBaseURL: string): Candidate {
  const protect = auth({ issuerBaseURL, audience: AUDIENCE, dpop: { enabled: true, required: true } });
  return {
    name: 'express-oauth2-jwt-bearer, dpop',
    callers: 'known',
    present({ authorization, dpop }) {
      const request = {
        method: 'GET',
        url: '/orders',
        originalUrl: '/orders',
        protocol: 'https',
        host: HOST,
        headers: { authorization, dpop, host: HOST },
        query: {},
        body: {},
        is: () => false,
        get: (name: string) => (name.toLowerCase() === 'host' ? HOST : undefined),
      };
      return () =>
        new Promise<boolean>((resolve) => {
          void protect(request, {}, (error?: unknown) => resolve(error === undefined));
        });
    },
  };
}

async function assertCorrect({ name, present }: Candidate, caller: Caller, other: Caller): Promise<void> {
  const accepts = async (request: Arrived): Promise<boolean> => (await present(request)()) !== false;
  const failed = (what: string): Error => new Error(`${name} ${what}, so it cannot be measured`);
  if (!(await accepts(arrivedFrom(caller)))) throw failed('refuses a valid proof');
  if (name === 'a request, not checked') return;
  if (await accepts({ ...arrivedFrom(caller), dpop: arrivedFrom(other).dpop })) throw failed('accepts the proof of another key');
}

function arrivedFrom(caller: Caller): Arrived {
  const { client, token } = caller;
  const { authorization, dpop } = client.authorizationHeaders({ url: URL_OF_ORDERS }, token);
  const fresh = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');
  return { authorization: fresh(authorization), dpop: fresh(dpop), caller };
}

function contenderOf({ name, present }: Candidate, callers: readonly Caller[], { sliceSize }: DpopPlan): Contender {
  let at = 0;
  return {
    name,
    async runSlice() {
      collectYoungGarbage();
      const meter = createMeter();
      for (let left = sliceSize; left > 0; left -= BATCH_SIZE) {
        const attempts = Array.from({ length: Math.min(left, BATCH_SIZE) }, () => present(arrivedFrom(callers[at++ % callers.length]!)));
        meter.start();
        for (const attempt of attempts) {
          const answer = attempt();
          if ((answer instanceof Promise ? await answer : answer) === false) throw new Error(`${name}: a valid proof was refused while measuring`);
        }
        meter.stop();
      }
      meter.start();
      collectYoungGarbage();
      meter.stop();
      return meter.per(sliceSize);
    },
  };
}

const BATCH_SIZE = 256;
