import express from 'express';
import { expressjwt, type Request } from 'express-jwt';
import jwksRsa from 'jwks-rsa';
import { answerFrom } from '../answer.ts';
import { listen, setting } from '../listen.ts';

const issuer = setting('ISSUER_BASE_URL');
const guard = expressjwt({
  secret: jwksRsa.expressJwtSecret({ jwksUri: `${issuer}/jwks`, cache: true, rateLimit: true }),
  issuer,
  audience: setting('AUDIENCE'),
  algorithms: ['RS256'],
});
const app = express();

app.get('/me', guard, (req: Request, res) => {
  res.json(answerFrom(req.auth!));
});

listen(app);
