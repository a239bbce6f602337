import express from 'express';
import { expressjwt, type Request } from 'express-jwt';
import jwksRsa from 'jwks-rsa';
import { listen, setting } from './listen.ts';

const issuer = setting('ISSUER_BASE_URL');
const guard = expressjwt({
  secret: jwksRsa.expressJwtSecret({ jwksUri: `${issuer}/jwks`, cache: true, rateLimit: true }),
  issuer,
  audience: setting('AUDIENCE'),
  algorithms: ['RS256'],
});
const app = express();

app.get('/me', guard, (req: Request, res) => {
  const { sub, iss, client_id: clientId = null, scope, roles } = req.auth!;
  res.json({ subject: sub, issuer: iss, clientId, scopes: String(scope).split(' '), roles });
});

listen(app);
