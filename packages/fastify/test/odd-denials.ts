import type { FastifyGuardOptions } from '@tokenward/fastify';
import type { OddDenial } from '@tokenward/testing/adapter-suite';

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

const ON_DENIED: Readonly<Record<string, FastifyGuardOptions['onDenied']>> = {
  'no onDenied': undefined,
  'an onDenied that answers': (_decision, _request, reply) => void reply.code(403).send('mine'),
  'an onDenied that answers late': async (_decision, _request, reply) => {
    await later();
    await reply.code(403).send('mine');
  },
  'an onDenied that throws': () => {
    throw new Error('out of order');
  },
  'an onDenied that rejects': () => Promise.reject(new Error('out of order')),
};

export const denials: readonly OddDenial[] = Object.keys(ON_DENIED).map((name) => ({
  name,
  status: /that (?:throws|rejects)/.test(name) ? 500 : 403,
  ...(name.includes('answers') && { body: 'mine' }),
}));

export function onDeniedOf(name: string): FastifyGuardOptions['onDenied'] {
  return ON_DENIED[name];
}
