// What users see, checked by the compiler and never run.
import { createBrowserSession } from '@tokenward/browser-session';
import type * as express from '@tokenward/browser-session/express';
import type * as fastify from '@tokenward/browser-session/fastify';
import type * as koa from '@tokenward/browser-session/koa';
import type * as node from '@tokenward/browser-session/node';
import { createTestIssuer } from '@tokenward/testing';
import { logInAs, type LoginOptions, type TestCookie, type TestLogin } from '@tokenward/testing/browser-session';
import type { BrowserContext } from 'playwright-core';
import { expectTypeOf } from 'vitest';

const issuer = await createTestIssuer();
const session = createBrowserSession({ issuer: issuer.issuer, clientId: 'web-app', origin: 'https://app.example.com', secrets: [] });
const login = await logInAs(session, issuer);

expectTypeOf(login).toEqualTypeOf<TestLogin>();
expectTypeOf(login.cookies).toEqualTypeOf<readonly TestCookie[]>();
expectTypeOf(login.accessToken).toEqualTypeOf<string>();
expectTypeOf<LoginOptions['scopes']>().toEqualTypeOf<readonly string[] | undefined>();

// Playwright takes the cookies, and fetch the headers, as they are
expectTypeOf<BrowserContext['addCookies']>().toBeCallableWith(login.cookies);
expectTypeOf(fetch).toBeCallableWith('https://app.example.com', { headers: login.headers });

// @ts-expect-error -- scopes are a list
void logInAs(session, issuer, { scopes: 'orders:read' });
// @ts-expect-error -- the issuer signs the token: an identifier alone cannot
void logInAs(session, 'https://login.example.com');
// @ts-expect-error -- only a browser session can start one
void logInAs({ origin: 'https://app.example.com' }, issuer);

// the sessions of all frameworks
declare const ofExpress: express.ExpressBrowserSession;
declare const ofFastify: fastify.FastifyBrowserSession;
declare const ofKoa: koa.KoaBrowserSession;
declare const ofNode: node.NodeBrowserSession;
for (const one of [ofExpress, ofFastify, ofKoa, ofNode]) expectTypeOf(logInAs(one, issuer)).resolves.toEqualTypeOf<TestLogin>();
