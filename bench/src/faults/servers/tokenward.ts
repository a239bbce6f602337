import { createResourceGuard } from '@tokenward/core';
import { listen } from './listen.ts';

const guard = createResourceGuard({ tokenCache: false });

listen((authorization) => {
  const decision = guard.check({ method: 'GET', target: '/me', headers: { authorization } });
  return decision instanceof Promise ? decision.then(({ outcome }) => outcome === 'allow') : decision.outcome === 'allow';
});
