import type { Context } from 'koa';
import type { Deny, KoaGuardOptions } from '@tokenward/koa';
import type { OddDenial } from '@tokenward/testing/adapter-suite';

/** Answers some turns of the event loop later. */
export const late = (_decision: Deny, context: Context): Promise<void> => new Promise((resolve) => setTimeout(() => ((context.body = 'mine'), resolve()), 10));

const ON_DENIED: Readonly<Record<string, KoaGuardOptions['onDenied']>> = {
  'no onDenied': undefined,
  'an onDenied that answers': (_decision, context) => void (context.body = 'mine'),
  'an onDenied that answers late': late,
  'an onDenied that throws': () => {
    throw new Error('out of order');
  },
  'an onDenied that rejects': () => Promise.reject(new Error('out of order')),
  'an onDenied that answers through ctx.request': (_decision, { request }) => void (request.ctx.body = 'mine'),
  'an onDenied that answers through ctx.request.response': (_decision, { request }) => void (request.response.body = 'mine'),
  'an onDenied that answers through ctx.response.request': (_decision, { response }) => void (response.request.response.body = 'mine'),
  "an onDenied that answers through Node's response": (_decision, { res }) => void res.end('mine'),
};

export const denials: readonly OddDenial[] = Object.keys(ON_DENIED).map((name) => ({
  name,
  status: /that (?:throws|rejects)/.test(name) ? 500 : 403,
  ...(name.includes('answers') && { body: 'mine' }),
}));

export function onDeniedOf(name: string): KoaGuardOptions['onDenied'] {
  return ON_DENIED[name];
}
