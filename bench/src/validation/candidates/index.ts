import type { ValidationCandidate } from '../candidate.ts';
import { awsJwtVerify } from './aws-jwt-verify.ts';
import { fastJwtCached, fastJwtCachedByToken, fastJwtUncached } from './fast-jwt.ts';
import { jose64InFlight, joseOneAtATime } from './jose.ts';
import { nodeCrypto } from './node-crypto.ts';
import { requestAlone, tokenwardFirstSight, tokenwardSeenBefore, tokenwardWithoutCache } from './tokenward.ts';

/** The baseline that all are compared with. */
export const floor: ValidationCandidate = nodeCrypto;

export const candidates: readonly ValidationCandidate[] = [
  floor,
  tokenwardFirstSight,
  tokenwardWithoutCache,
  tokenwardSeenBefore,
  requestAlone,
  fastJwtUncached,
  fastJwtCached,
  fastJwtCachedByToken,
  joseOneAtATime,
  jose64InFlight,
  awsJwtVerify,
];
