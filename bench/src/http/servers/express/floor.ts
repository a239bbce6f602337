import express, { type NextFunction, type Request, type Response } from 'express';
import type { Answer } from '../answer.ts';
import { createFloor } from '../floor.ts';
import { listen } from '../listen.ts';

const floor = createFloor();
const app = express();

function guard(req: Request, res: Response<unknown, { me: Answer }>, next: NextFunction): void {
  const { authorization } = req.headers;
  const known = floor.known(authorization);
  if (known) {
    res.locals.me = known;
    next();
    return;
  }
  void floor.verified(authorization).then((me) => {
    if (!me) return res.sendStatus(401);
    res.locals.me = me;
    return next();
  });
}

app.get('/me', guard, (_req, res) => {
  const { subject, issuer, clientId, scopes, roles } = res.locals['me'];
  res.json({ subject, issuer, clientId, scopes, roles });
});

listen(app);
