import { randomUUID } from 'node:crypto';
import express from 'express';
import { accessTokenClaims } from '../../claims.ts';
import { listen, setting } from './listen.ts';

const issuer = setting('ISSUER_BASE_URL');
const { client_id: clientId, scope, roles } = accessTokenClaims(issuer);
const me = { subject: `user-${randomUUID()}`, issuer, clientId, scopes: String(scope).split(' '), roles };
const app = express();

app.get('/me', (_req, res) => {
  res.json(me);
});

listen(app);
