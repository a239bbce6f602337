import type { Framework } from '../framework.ts';

/** An API in a process of its own, which answers `GET /me` with who the token is from. */
export interface ServerCandidate {
  /** No other server on the same framework has it. */
  readonly name: string;
  readonly framework: Framework;
  /** The npm packages that it stands for. */
  readonly packageNames: readonly string[];
  /** Whether it refuses requests at all. One that does not is what the others on its framework are held against. */
  readonly isProtected: boolean;
  /** The program. It reads `ISSUER_BASE_URL`, `AUDIENCE` and `PORT`, and prints where it listens. */
  readonly program: URL;
  readonly programArguments?: readonly string[];
}
