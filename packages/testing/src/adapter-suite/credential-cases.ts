import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { expectBadRequest, expectForbidden, expectUnauthorized } from '../expect-refusal.js';
import { sendRaw } from './exchange.js';
import { sendFrames } from './http2-frames.js';
import type { SuiteCase } from './suite-case.js';

/** Section A: where a request carries its token, and what else it may contain. */
export const credentialCases: readonly SuiteCase[] = [
  {
    name: 'rule 1: answers 400 to two Authorization lines, whatever they contain',
    over: 'HTTP/1.1',
    async run({ ask, token, handlersRun }) {
      const good = `Bearer ${await token()}`;
      for (const other of [good, 'Bearer other', 'Basic dTpw', '']) {
        await expectBadRequest(await ask({ path: '/me', headers: [['authorization', good], ['authorization', other]] })); // prettier-ignore
        await expectBadRequest(await ask({ path: '/optional', headers: [['Authorization', other], ['AUTHORIZATION', good]] })); // prettier-ignore
      }
      strictEqual(handlersRun(), 0);
    },
  },
  {
    name: 'rule 1: answers 400 to two authorization fields of one stream, whatever they contain',
    over: 'HTTP/2',
    async run({ app, token, handlersRun }) {
      const good = `Bearer ${await token()}`;
      deepStrictEqual((await sendFrames(app.origin, '/me', [['authorization', good]])).status, 200);
      strictEqual(handlersRun(), 1);
      for (const other of [good, 'Bearer other', 'Basic dTpw', '']) {
        for (const [path, ...values] of [
          ['/me', good, other],
          ['/optional', other, good],
        ] as const) {
          const { status, body } = await sendFrames(app.origin, path, values.map((value) => ['authorization', value])); // prettier-ignore
          deepStrictEqual([status, (JSON.parse(body) as { error: string }).error], [400, 'invalid_request']);
        }
      }
      strictEqual(handlersRun(), 0);
    },
  },
  {
    name: 'rule 1: answers 400 to two credentials joined with a comma',
    async run({ ask, token }) {
      const good = `Bearer ${await token()}`;
      for (const value of [`${good}, ${good}`, `${good},${good}`, `Basic dTpw, ${good}`, `Basic dTpw,\t${good}`, `${good}, Basic dTpw`]) {
        await expectBadRequest(await ask({ path: '/me', headers: [['authorization', value]] }));
      }
    },
  },
  {
    name: 'rule 1: answers 400 to a token in the field with an access_token in the query, even the same token',
    async run({ ask, token }) {
      const good = await token();
      for (const query of [`access_token=${good}`, 'access_token=', 'access_token', `a=1&access_token=${good}`, 'access%5Ftoken=x']) {
        await expectBadRequest(await ask({ path: `/me?${query}`, token: good }));
      }
    },
  },
  {
    name: 'rule 2: accepts the scheme in any case',
    async run({ ask, token }) {
      const good = await token();
      for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR']) {
        strictEqual((await ask({ path: '/me', headers: [['authorization', `${scheme} ${good}`]] })).status, 200);
      }
    },
  },
  {
    name: 'rule 2: answers 400 unless exactly one space and a token68 follow the scheme',
    async run({ ask, token, handlersRun }) {
      const good = await token();
      for (const value of [
        `Bearer\t${good}`,
        `Bearer  ${good}`,
        `Bearer ${good} ${good}`,
        `Bearer ${good},`,
        `Bearer "${good}"`,
        `Bearer ${good}\u00e9`,
        'Bearer token=abc=d',
        'Bearer =',
      ]) {
        await expectBadRequest(await ask({ path: '/me', headers: [['authorization', value]] }));
      }
      strictEqual(handlersRun(), 0);
    },
  },
  {
    name: 'rule 2: runs no handler for a field with a control byte',
    over: 'HTTP/1.1',
    async run({ app, token, handlersRun }) {
      const good = await token();
      for (const byte of ['\0', '\x01', '\x0b', '\x7f']) {
        const status = await sendRaw(app.origin, `GET /me HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ${good}${byte}\r\n\r\n`);
        ok(status === undefined || status === 400, `status ${status}`);
      }
      strictEqual(handlersRun(), 0);
    },
  },
  {
    name: 'rule 3: answers 401 to a token in the query or in a form',
    async run({ ask, token }) {
      const good = await token({ scopes: ['orders:write'] });
      await expectUnauthorized(await ask({ path: `/me?access_token=${good}` }));
      await expectUnauthorized(await ask({ method: 'POST', path: '/orders', form: `access_token=${good}` }), { scopes: ['orders:write'] });
    },
  },
  {
    name: 'rule 4: answers 401 to a token in a cookie',
    async run({ ask, token }) {
      const good = await token();
      for (const name of ['access_token', 'token', 'Authorization', '__Host-access_token']) {
        await expectUnauthorized(await ask({ path: '/me', headers: [['cookie', `${name}=${good}`]] }));
      }
    },
  },
  {
    name: 'rule 5: answers 401 with a bare challenge to a request without credentials or with another scheme',
    async run({ ask }) {
      for (const headers of [[], [['authorization', 'Basic dTpw']], [['authorization', 'Negotiate']]] as const) {
        const challenge = await expectUnauthorized(await ask({ path: '/me', headers }));
        deepStrictEqual([challenge.scheme, Object.keys(challenge.parameters)], ['Bearer', ['realm']]);
      }
    },
  },
  {
    name: 'rule 5: answers 400 to Bearer alone or with an invalid character, and 401 to a word that is not a token',
    async run({ ask }) {
      for (const value of ['Bearer', 'bearer']) await expectBadRequest(await ask({ path: '/me', headers: [['authorization', value]] }));
      for (const value of ['Bearer undefined', 'Bearer null', 'Bearer [object', 'Bearer .', 'Bearer ..']) {
        const answer = await ask({ path: '/me', headers: [['authorization', value]] });
        if (value.includes('[')) await expectBadRequest(answer);
        else await expectUnauthorized(answer, { error: 'invalid_token' });
      }
    },
  },
  {
    name: 'rule 5: answers 400 to Bearer followed only by whitespace',
    // over HTTP/2 Node drops such a field
    over: 'HTTP/1.1',
    async run({ ask }) {
      for (const value of ['Bearer ', 'Bearer   ', 'Bearer\t']) await expectBadRequest(await ask({ path: '/me', headers: [['authorization', value]] }));
    },
  },
  {
    name: 'rule 6: does not read the caller from other headers',
    async run({ ask, token }) {
      const names = [
        'x-user',
        'x-forwarded-user',
        'x-auth-request-user',
        'x-middleware-subrequest',
        'x-forwarded-access-token',
        'x-original-url',
        'x-rewrite-url',
        'x-forwarded-uri',
      ];
      for (const name of names) {
        await expectUnauthorized(await ask({ path: '/me', headers: [[name, name.endsWith('token') ? await token() : '/public']] }));
        await expectForbidden(await ask({ method: 'DELETE', path: '/orders/1', token: await token(), headers: [[name, 'admin']] }));
      }
    },
  },
  {
    name: 'rule 7: an optional guard refuses invalid credentials',
    async run({ ask, token, handlersRun }) {
      const headers = (value: string) => [['authorization', value]] as const;
      await expectUnauthorized(await ask({ path: '/optional', token: await token({ lifetimeSeconds: -3600 }) }), { error: 'invalid_token' });
      for (const malformed of ['bearer', 'Bearer a b', 'Basic dTpw, Bearer x', ':']) {
        await expectBadRequest(await ask({ path: '/optional', headers: headers(malformed) }));
      }
      await expectBadRequest(await ask({ path: '/optional', headers: headers('Bearer') }));
      await expectBadRequest(await ask({ path: '/optional', headers: headers('') }));
      strictEqual(handlersRun(), 0);
    },
  },
  {
    name: 'rule 7: an optional guard treats a request with another scheme as anonymous',
    async run({ ask, handlersRun }) {
      const schemes = ['Basic dTpw', 'Digest username="u"', 'Negotiate'];
      for (const value of schemes) {
        const headers = [['authorization', value]] as const;
        deepStrictEqual((await ask({ path: '/optional', headers })).json(), { subject: null });
        await expectUnauthorized(await ask({ path: '/me', headers }));
      }
      strictEqual(handlersRun(), schemes.length);
    },
  },
];
