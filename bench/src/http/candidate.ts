/** An API in a process of its own, which answers `GET /me` with who the token is from. */
export interface ServerCandidate {
  readonly name: string;
  /** The npm packages that it stands for. */
  readonly packageNames: readonly string[];
  /** Whether it refuses requests at all. */
  readonly isProtected: boolean;
  /** The program. It reads `ISSUER_BASE_URL`, `AUDIENCE` and `PORT`, and prints where it listens. */
  readonly program: URL;
}

/** What all are held against. */
export const ceiling: ServerCandidate = {
  name: 'no protection (ceiling)',
  packageNames: ['express'],
  isProtected: false,
  program: new URL('servers/unprotected.ts', import.meta.url),
};

export const servers: readonly ServerCandidate[] = [
  ceiling,
  {
    name: '@tokenward/express (the example)',
    // all packages of the workspace have the same version
    packageNames: ['@tokenward/core'],
    isProtected: true,
    program: new URL(import.meta.resolve('@tokenward/example-express/server.ts')),
  },
  {
    name: 'express-oauth2-jwt-bearer',
    packageNames: ['express-oauth2-jwt-bearer'],
    isProtected: true,
    program: new URL('servers/express-oauth2-jwt-bearer.ts', import.meta.url),
  },
  {
    name: 'express-jwt + jwks-rsa',
    packageNames: ['express-jwt', 'jwks-rsa'],
    isProtected: true,
    program: new URL('servers/express-jwt.ts', import.meta.url),
  },
];
