import { createRemoteJWKSet, jwtVerify } from 'jose';
import { listen } from './listen.ts';

const issuer = process.env['ISSUER_BASE_URL']!;
const audience = process.env['AUDIENCE']!;
const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));

listen((authorization) =>
  jwtVerify(authorization.slice('Bearer '.length), keys, { issuer, audience }).then(
    () => true,
    () => false,
  ),
);
