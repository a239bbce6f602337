import type { Response } from 'express';
import type { Deny, ExpressGuardOptions } from '@tokenward/express';
import type { OddDenial } from '@tokenward/testing/adapter-suite';

/** Answers some turns of the event loop later. */
export const late = (_decision: Deny, _request: unknown, response: Response): Promise<void> =>
  new Promise((resolve) => setTimeout(() => (response.status(403).send('mine'), resolve()), 10));

const ON_DENIED: Readonly<Record<string, ExpressGuardOptions['onDenied']>> = {
  'no onDenied': undefined,
  'an onDenied that answers': (_decision, _request, response) => void response.status(403).send('mine'),
  'an onDenied that answers late': late,
  'an onDenied that throws': () => {
    throw new Error('out of order');
  },
  'an onDenied that rejects': () => Promise.reject(new Error('out of order')),
  'an onDenied that answers through req.res': (_decision, request) => void request.res!.status(403).send('mine'),
  'an onDenied that answers through res.req.res': (_decision, _request, response) => void response.req.res!.status(403).send('mine'),
  'an onDenied that passes an error to req.next': (_decision, request) => request.next!(new Error('out of order')),
  'an onDenied that calls req.next': (_decision, request) => request.next!(),
  'an onDenied that sends a missing file': (_decision, _request, response) => response.sendFile('/nowhere/at/all.html'),
  'an onDenied that renders a missing view': (_decision, _request, response) => response.render('nowhere'),
};

export const denials: readonly OddDenial[] = Object.keys(ON_DENIED).map((name) => ({ name, status: 403, ...(name.includes('answers') && { body: 'mine' }) }));

export function onDeniedOf(name: string): ExpressGuardOptions['onDenied'] {
  return ON_DENIED[name];
}
