import type { Framework } from '../framework.ts';

/** An API in its own process. It answers `GET /me` with whom the token is from. */
export interface ServerCandidate {
  /** Unique per framework. */
  readonly name: string;
  readonly framework: Framework;
  /** The npm packages that it measures. */
  readonly packageNames: readonly string[];
  /** Whether it refuses requests at all. The one that does not is the baseline of its framework. */
  readonly isProtected: boolean;
  /** Reads `ISSUER_BASE_URL`, `AUDIENCE` and `PORT`, and prints where it listens. */
  readonly program: URL;
  readonly programArguments?: readonly string[];
}
