import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { listen, setting } from './listen.ts';

const app = express();

app.get('/me', auth({ issuerBaseURL: setting('ISSUER_BASE_URL'), audience: setting('AUDIENCE') }), (req, res) => {
  const { sub, iss, client_id: clientId = null, scope, roles } = req.auth!.payload;
  res.json({ subject: sub, issuer: iss, clientId, scopes: String(scope).split(' '), roles });
});

listen(app);
