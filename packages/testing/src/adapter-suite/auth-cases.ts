import { strictEqual, throws } from 'node:assert/strict';
import { ConfigurationError, type Auth } from '@tokenward/core';
import type { AskAuth, HandlerInput, SuiteRoute } from './app.js';
import type { Suite, SuiteCase } from './suite-case.js';

/** Section O: how a handler reads the caller. */
export const authCases: readonly SuiteCase[] = [
  {
    name: "rule 180: getAuth returns the caller of a request with a token, with or without 'optional'",
    async run(suite) {
      for (const path of ['/required', '/optional']) {
        const { auth, getAuth, ofGuard } = await inputOf(suite, path, await suite.token({ subject: 'ada' }));
        strictEqual(auth?.subject, 'ada');
        for (const ask of [getAuth, ofGuard]) {
          strictEqual(ask(), auth);
          strictEqual(ask('optional'), auth);
        }
      }
    },
  },
  {
    name: "rule 180: getAuth throws behind an optional guard without a token, and returns undefined with 'optional'",
    async run(suite) {
      const { auth, getAuth, ofGuard } = await inputOf(suite, '/optional');
      strictEqual(auth, undefined);
      throwsUnauthenticated(getAuth, 'getAuth');
      throwsUnauthenticated(ofGuard, 'guard.getAuth');
      strictEqual(getAuth('optional'), undefined);
      strictEqual(ofGuard('optional'), undefined);
    },
  },
  {
    name: 'rule 180: getAuth throws on a route that no guard protects, whatever the credential',
    async run(suite) {
      for (const token of [undefined, await suite.token(), 'wrong']) {
        const { auth, getAuth, ofGuard } = await inputOf(suite, '/public', token);
        strictEqual(auth, undefined);
        if (suite.declaresPublicRoutes) {
          throwsUnauthenticated(getAuth, 'getAuth');
          throwsUnauthenticated(ofGuard, 'guard.getAuth');
          strictEqual(getAuth('optional'), undefined);
          strictEqual(ofGuard('optional'), undefined);
        } else {
          // a forgotten guard does not look like an anonymous request
          for (const optional of ['optional', undefined] as const) {
            throwsMisuse(() => askWith(getAuth, optional), /^tokenward: getAuth\(\): no guard has authenticated this request\. Put one before this handler$/);
            throwsMisuse(() => askWith(ofGuard, optional), /^tokenward: guard\.getAuth\(\): this guard has not authenticated the request\. Put it before/);
          }
        }
      }
    },
  },
];

const ROUTES: readonly (readonly [path: string, access: SuiteRoute['access']])[] = [
  ['/required', 'required'],
  ['/optional', 'optional'],
  ['/public', 'public'],
];

/** Returns the input of a route's handler. */
async function inputOf({ start }: Suite, path: string, token?: string): Promise<HandlerInput> {
  const inputs: HandlerInput[] = [];
  const answer: SuiteRoute['answer'] = (input) => {
    inputs.push(input);
    return { status: 200, body: {} };
  };
  const { ask } = await start({ routes: ROUTES.map(([at, access]): SuiteRoute => ({ method: 'GET', path: at, access, policies: [], answer })) });
  strictEqual((await ask({ path, token })).status, 200);
  strictEqual(inputs.length, 1);
  return inputs[0]!;
}

function askWith(ask: AskAuth, optional: 'optional' | undefined): Auth | undefined {
  return optional ? ask(optional) : ask();
}

function throwsUnauthenticated(ask: AskAuth, name: string): void {
  throwsMisuse(
    () => ask(),
    new RegExp(`^tokenward: ${name}\\(\\): nobody is authenticated: this route does not require an access token\\. Write ${name}\\(\\.\\.\\., 'optional'\\)`),
  );
}

function throwsMisuse(run: () => unknown, message: RegExp): void {
  throws(run, (error) => error instanceof ConfigurationError && message.test(error.message));
}
