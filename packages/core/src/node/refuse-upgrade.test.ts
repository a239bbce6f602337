import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { refuseUpgrade } from './refuse-upgrade.js';

test.each([undefined, null, {}, { outcome: 'allow', auth: undefined, headers: {} }])(
  'rule 157: closes the socket and throws for %j, which is not a refusal',
  (decision) => {
    const socket = new PassThrough();
    expect(() => refuseUpgrade(socket, decision as never)).toThrow('refuseUpgrade(socket, decision): got no refusal. Check decision.outcome first');
    expect(socket.destroyed).toBe(true);
  },
);
