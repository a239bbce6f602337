import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance } from 'fastify';
import { createTestIssuer } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { acr, allOf, anyOf, claim, issuedBy, maxAge, role, scope, tokenward, type FastifyGuardOptions, type SwaggerOptions } from '@tokenward/fastify';
import { expectNoneLooksOpen, expectProblem, expectValidDocument, type OpenApiDocument } from '../../testing/test/open-api.js';
import { listen } from './start-fastify.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const settings = { issuer: issuer.issuer, audience: issuer.audience };
const info = { title: 'Orders', version: '1.0.0' };
const ok = async (): Promise<object> => ({ ok: true });

interface Started {
  readonly document: OpenApiDocument;
  readonly origin: string;
}

async function start(
  addRoutes: (app: FastifyInstance) => void | Promise<void>,
  { guard = {}, documented = {}, openapi = {} }: { guard?: Partial<FastifyGuardOptions>; documented?: SwaggerOptions; openapi?: object } = {},
): Promise<Started> {
  const app = Fastify();
  await app.register(tokenward, { ...settings, ...guard });
  await app.register(swagger, { openapi: { openapi: '3.1.0', info, ...openapi }, ...app.guard.swagger(documented) });
  await addRoutes(app);
  return started(app);
}

async function started(app: FastifyInstance): Promise<Started> {
  const { origin, close } = await listen(app);
  onTestFinished(close);
  return { document: await expectValidDocument(app.swagger()), origin };
}

test('rule 250: a document shows what the guards and rules of routes need', async () => {
  const { document, origin } = await start((app) => {
    app.get('/orders', { onRequest: app.guard(scope('orders:read')) }, ok);
    app.post('/orders', { config: { tokenward: [scope('orders:write'), scope('orders:read')] } }, ok);
    app.get('/reports', { preHandler: [app.guard(anyOf(scope('reports:read'), role('auditor')))] }, ok);
    app.get('/maybe', { config: { tokenward: 'optional' } }, ok);
    app.get('/me', { config: { tokenward: 'required' } }, ok);
    app.get('/public', { config: { tokenward: 'public' }, schema: { description: 'For all.' } }, ok);
    app.get('/own/:id', { onRequest: app.guard((request) => claim('tenant', request.params['id']!)) }, ok);
  });
  const { paths, components } = document;
  expect(components!.securitySchemes).toEqual({
    oauth2: { type: 'openIdConnect', openIdConnectUrl: `${issuer.issuer}/.well-known/openid-configuration`, description: expect.any(String) },
  });
  expect(paths['/orders']!['get']!.security).toEqual([{ oauth2: ['orders:read'] }]);
  expect(paths['/orders']!['post']!.security).toEqual([{ oauth2: ['orders:write', 'orders:read'] }]);
  expect(paths['/reports']!['get']!.security).toEqual([{ oauth2: ['reports:read'] }, { oauth2: [] }]);
  expect(paths['/reports']!['get']!.description).toBe('Needs the scope `reports:read` or the role `auditor`.');
  expect(paths['/maybe']!['get']!.security).toEqual([{}, { oauth2: [] }]);
  expect(paths['/me']!['get']!.security).toEqual([{ oauth2: [] }]);
  expect(paths['/public']!['get']).toEqual({ description: 'For all.', responses: { 200: expect.anything() } });
  expect(paths['/own/{id}']!['get']!.description).toBe('Needs a condition of this API.');
  expect(await expectNoneLooksOpen(document, origin)).toEqual([]);
});

test('rule 253: a document has the refusals that can occur, with the schema of their bodies', async () => {
  const { document, origin } = await start((app) => {
    app.get('/orders', { onRequest: app.guard(scope('orders:read')) }, ok);
    app.get('/me', { onRequest: app.guard() }, ok);
    app.put('/payout', { onRequest: app.guard(acr('urn:example:mfa'), maxAge(300)) }, ok);
    app.get('/public', { config: { tokenward: 'public' } }, ok);
    app.get('/own', { onRequest: app.guard(scope('a')), schema: { response: { 401: { description: 'mine', type: 'object' } } } }, ok);
  });
  const responses = (path: string, method = 'get') => document.paths[path]![method]!.responses;
  expect(Object.keys(responses('/orders'))).toEqual(['200', '400', '401', '403', '503']);
  expect(Object.keys(responses('/me'))).toEqual(['200', '400', '401', '503']);
  expect(Object.keys(responses('/payout', 'put'))).toEqual(['200', '400', '401', '503']);
  expect(responses('/payout', 'put')['401']!.description).toContain('`acr_values`');
  expect(document.paths['/payout']!['put']!.description).toBe('Needs a login with the acr `urn:example:mfa` and a login at most 300 seconds ago.');
  expect(Object.keys(responses('/public'))).toEqual(['200']);
  expect(responses('/own')['401']!.description).toBe('mine');
  expect(Object.keys(responses('/orders')['401']!.headers!)).toEqual(['WWW-Authenticate']);
  expect(responses('/orders')['503']!.content).toEqual({ 'application/problem+json': { schema: { $ref: '#/components/schemas/AccessProblem' } } });
  const get = async (path: string, token: string, method = 'GET') => fetch(origin + path, { method, headers: { authorization: `Bearer ${token}` } });
  const token = await issuer.issueToken({ scopes: ['other'] });
  for (const [response, status] of [
    [await get('/orders', token), 403],
    [await get('/orders', 'a b'), 400],
    [await get('/payout', token, 'PUT'), 401],
  ] as const) {
    expect(response.status).toBe(status);
    await expectProblem(document, response);
  }
});

test('rule 251: a route that looks open to the document may have a guard that it cannot see, so it is not documented as open', async () => {
  const { document, origin } = await start(async (app) => {
    app.get('/by-hand', async (request, reply) => {
      await app.guard(scope('a'))(request, reply);
      return {};
    });
    app.get('/wrapped', { onRequest: async (request, reply) => app.guard()(request, reply) }, ok);
    app.get('/silent', ok);
    await app.register(async (child) => {
      child.addHook('onRequest', async (request, reply) => {
        await app.guard(scope('b'))(request, reply);
      });
      child.get('/in-async-hook', ok);
    });
  });
  expect(await expectNoneLooksOpen(document, origin)).toEqual(['get /silent']);
  expect(document.paths['/by-hand']!['get']!.description).toMatch(/shows no guard for this operation/);
  const open = await start((app) => void app.get('/silent', ok), { documented: { routesWithoutGuardAreOpen: true } });
  expect(open.document.paths['/silent']!['get']!.security).toBeUndefined();
});

test('rule 251: guards of scopes count, whether they were added before or after the routes', async () => {
  const { document, origin } = await start(async (app) => {
    await app.register(async (child) => {
      child.get('/before', { onRequest: app.guard(scope('b')) }, ok);
      child.addHook('onRequest', app.guard(scope('a')));
      child.get('/after', ok);
      child.get('/maybe', { config: { tokenward: 'optional' } }, ok);
      child.get('/public', { config: { tokenward: 'public' } }, ok);
      await child.register(async (grandchild) => {
        grandchild.addHook('preHandler', app.guard(role('c')));
        grandchild.get('/deep', ok);
      });
    });
    app.get('/sibling', { config: { tokenward: 'public' } }, ok);
  });
  const security = (path: string) => document.paths[path]!['get']!.security;
  expect(security('/before')).toEqual([{ oauth2: ['a', 'b'] }]);
  expect(security('/after')).toEqual([{ oauth2: ['a'] }]);
  expect(security('/maybe')).toEqual([{ oauth2: ['a'] }]);
  expect(security('/public')).toEqual([{ oauth2: ['a'] }]);
  expect(security('/deep')).toEqual([{ oauth2: ['a'] }]);
  expect(document.paths['/deep']!['get']!.description).toContain('the role `c`');
  expect(security('/sibling')).toBeUndefined();
  expect(await expectNoneLooksOpen(document, origin)).toEqual([]);
});

test('rule 251: a schema that says that a guarded route needs no token is corrected, and a warning says so', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const { document, origin } = await start((app) => {
    app.get('/none', { onRequest: app.guard(scope('a')), schema: { security: [] } }, ok);
    app.get('/anonymous', { onRequest: app.guard(scope('a')), schema: { security: [{}] } }, ok);
    app.get('/maybe', { onRequest: app.guard.optional(), schema: { security: [] } }, ok);
  });
  expect(document.paths['/none']!['get']!.security).toEqual([{ oauth2: ['a'] }]);
  expect(document.paths['/anonymous']!['get']!.security).toEqual([{ oauth2: ['a'] }]);
  expect(document.paths['/maybe']!['get']!.security).toEqual([]);
  expect(warn.mock.calls.map(([, options]) => options)).toEqual([{ code: 'TOKENWARD_OPENAPI' }, { code: 'TOKENWARD_OPENAPI' }]);
  vi.restoreAllMocks();
  expect(await expectNoneLooksOpen(document, origin)).toEqual([]);
});

test('rule 251: whatever the order of plugins, routes and scopes, no protected route looks open', async () => {
  for (const isSwaggerFirst of [true, false]) {
    const app = Fastify();
    let transforms: ReturnType<FastifyInstance['guard']['swagger']> | undefined;
    const late = {
      transform: (input: never) => transforms!.transform(input),
      transformObject: (input: never) => transforms!.transformObject(input),
    };
    const documents = async (): Promise<void> => void (await app.register(swagger, { openapi: { info }, ...(late as object) }));
    if (isSwaggerFirst) await documents();
    app.get('/earlier', ok);
    app.get('/earlier-public', { config: { tokenward: 'public' } }, ok);
    await app.register(tokenward, { ...settings, protect: 'all' });
    if (!isSwaggerFirst) await documents();
    transforms = app.guard.swagger();
    app.get('/later', ok);
    await app.register(async (child) => void child.get('/child', { config: { tokenward: scope('a') } }, ok));
    app.route({ method: ['GET', 'PUT', 'DELETE'], url: '/several', handler: ok });
    const { document, origin } = await started(app);
    expect(document.openapi).toBe('3.0.3');
    expect(Object.keys(document.paths)).toHaveLength(isSwaggerFirst ? 5 : 3);
    expect(await expectNoneLooksOpen(document, origin)).toEqual([]);
  }
});

test('rule 251: a route that leaves out the transform, and a transformObject that replaces ours, make no protected route open', async () => {
  const { document, origin } = await start((app) => {
    const config = { tokenward: scope('a'), swaggerTransform: false };
    app.get('/untransformed', { config } as object, ok);
    app.get('/own-transform', { config: { ...config, swaggerTransform: ({ schema, url }: never) => ({ schema, url }) } } as object, ok);
  });
  expect(await expectNoneLooksOpen(document, origin)).toEqual([]);
  const app = Fastify();
  await app.register(tokenward, settings);
  const { transform } = app.guard.swagger();
  await app.register(swagger, { openapi: { openapi: '3.1.0', info }, transform });
  app.get('/orders', { onRequest: app.guard(scope('a')) }, ok);
  await app.ready();
  const { paths } = app.swagger() as unknown as OpenApiDocument;
  expect(paths['/orders']!['get']!.security).toEqual([{ oauth2: ['a'] }]);
});

test('rule 252: operations refer to the security scheme that the document defines, whatever its name', async () => {
  const routes = (app: FastifyInstance): void => void app.get('/orders', { onRequest: app.guard(scope('a')) }, ok);
  const of = async (securitySchemes: object, documented: SwaggerOptions = {}) => {
    const { document } = await start(routes, { openapi: { components: { securitySchemes } }, documented });
    return [document.paths['/orders']!['get']!.security, Object.keys(document.components!.securitySchemes!).toSorted()];
  };
  const bearer = { type: 'http', scheme: 'bearer' };
  const flows = { clientCredentials: { tokenUrl: 'https://login.example.com/token', scopes: {} } };
  expect(await of({ bearer })).toEqual([[{ bearer: [] }], ['bearer']]);
  expect(await of({ login: { type: 'oauth2', flows } })).toEqual([[{ login: ['a'] }], ['login']]);
  expect(await of({ cookie: { type: 'apiKey', in: 'cookie', name: 'c' } })).toEqual([[{ oauth2: ['a'] }], ['cookie', 'oauth2']]);
  expect(await of({ bearer, login: { type: 'oauth2', flows } })).toEqual([[{ oauth2: ['a'] }], ['bearer', 'login', 'oauth2']]);
  expect(await of({ bearer }, { scheme: 'mine' })).toEqual([[{ mine: ['a'] }], ['bearer', 'mine']]);
});

test('rule 252: the flows of the options become an oauth2 scheme with the scopes of the routes', async () => {
  const flows = { authorizationCode: { authorizationUrl: 'https://login.example.com/authorize', tokenUrl: 'https://login.example.com/token' } };
  const { document } = await start(
    (app) => {
      app.get('/a', { onRequest: app.guard(scope('orders:read')) }, ok);
      app.get('/b', { config: { tokenward: anyOf(scope('b'), allOf(scope('c'), role('d'))) } }, ok);
    },
    { documented: { flows, scopeDescriptions: { 'orders:read': 'Read orders' } } },
  );
  expect(document.components!.securitySchemes!['oauth2']).toMatchObject({
    type: 'oauth2',
    flows: { authorizationCode: { ...flows.authorizationCode, scopes: { b: '', c: '', 'orders:read': 'Read orders' } } },
  });
});

test('rule 252: several issuers are several schemes, and a policy about the issuer chooses', async () => {
  const partner = 'https://login.partner.example';
  const issuers = [
    { issuer: issuer.issuer, audience: issuer.audience },
    { issuer: partner, audience: 'a' },
  ];
  const app = Fastify();
  await app.register(tokenward, { issuers });
  await app.register(swagger, { openapi: { openapi: '3.1.0', info }, ...app.guard.swagger() });
  app.get('/a', { onRequest: app.guard(anyOf(scope('orders:read'), allOf(issuedBy(partner), scope('read')))) }, ok);
  app.get('/b', { onRequest: app.guard(issuedBy(partner), issuedBy(issuer.issuer)) }, ok);
  const { document } = await started(app);
  const [own, other] = ['oauth2.127.0.0.1', 'oauth2.login.partner.example'];
  expect(Object.keys(document.components!.securitySchemes!)).toEqual([own, other]);
  expect(document.paths['/a']!['get']!.security).toEqual([{ [own]: ['orders:read'] }, { [other]: ['orders:read'] }, { [other]: ['read'] }]);
  // nobody has such a token, and the operation is not open
  expect(document.paths['/b']!['get']!.security).toEqual([{ [other]: [] }]);
});

test('rule 250: two guards on one route are both needed, each with its scheme', async () => {
  const app = Fastify();
  await app.register(tokenward, settings);
  await app.register(tokenward, { ...settings, audience: 'partner', decorator: 'partner', property: 'partnerAuth' });
  await app.register(swagger, { openapi: { openapi: '3.1.0', info }, ...app.guard.swagger() });
  const { partner } = app as unknown as { partner: FastifyInstance['guard'] };
  app.get('/both', { onRequest: [app.guard(scope('a')), partner(scope('b'))] }, ok);
  app.get('/partner', { onRequest: partner(scope('b')) }, ok);
  const { document, origin } = await started(app);
  expect(document.paths['/both']!['get']!.security).toEqual([{ oauth2: ['a'], partner: ['b'] }]);
  expect(document.paths['/partner']!['get']!.security).toEqual([{ partner: ['b'] }]);
  expect(await expectNoneLooksOpen(document, origin)).toEqual([]);
});

test('rule 254: a document contains no value of a claim, no address of a private network and no route of ours', async () => {
  const { document } = await start(
    async (app) => {
      app.get('/a', { onRequest: app.guard(claim('tenant', 'secret-tenant')) }, ok);
      await app.register(app.guard.metadata());
      await app.register(app.guard.backchannelLogout({ clientId: 'web-app' }), { prefix: '/logout' });
    },
    { guard: { metadataUrl: `${issuer.issuer}/internal-metadata`, publicOrigin: 'https://api.example.com' } },
  );
  const text = JSON.stringify(document);
  expect(text).not.toMatch(/secret-tenant|internal-metadata/);
  expect(Object.keys(document.paths)).toEqual(['/a']);
  expect(document.paths['/a']!['get']!.description).toBe('Needs the claim `tenant` with a value that this API accepts.');
});

test('a document of Swagger 2.0 has the header as its key', async () => {
  const app = Fastify();
  await app.register(tokenward, settings);
  await app.register(swagger, { swagger: { info }, ...app.guard.swagger() });
  app.get('/orders', { onRequest: app.guard(scope('a')) }, ok);
  app.get('/public', { config: { tokenward: 'public' } }, ok);
  const { document, origin } = await started(app);
  expect(document.securityDefinitions).toEqual({ oauth2: { type: 'apiKey', in: 'header', name: 'Authorization', description: expect.any(String) } });
  expect(document.paths['/orders']!['get']).toMatchObject({ security: [{ oauth2: [] }], description: 'Needs the scope `a`.' });
  expect(document.paths['/orders']!['get']!.responses['401']).toMatchObject({ schema: { $ref: '#/definitions/AccessProblem' } });
  expect(await expectNoneLooksOpen(document, origin)).toEqual([]);
});

test('a document-wide requirement stays, and public routes are open', async () => {
  const { document, origin } = await start(
    (app) => {
      app.get('/orders', { onRequest: app.guard(scope('a')) }, ok);
      app.get('/public', { config: { tokenward: 'public' } }, ok);
    },
    { openapi: { security: [{ bearer: [] }], components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } } } },
  );
  expect(document.security).toEqual([{ bearer: [] }]);
  expect(document.paths['/public']!['get']!.security).toEqual([]);
  expect(await expectNoneLooksOpen(document, origin)).toEqual([]);
});

test('transforms of your own run before and after', async () => {
  const { document } = await start((app) => void app.get('/a', { onRequest: app.guard() }, ok), {
    documented: {
      transform: ({ schema, url }: { schema: object; url: string }) => ({ schema: { ...schema, summary: 'mine' }, url: `/v1${url}` }),
      transformObject: ({ openapiObject }: { openapiObject: object }) => ({ ...openapiObject, tags: [{ name: 'mine' }] }),
    },
  });
  expect(document).toMatchObject({ tags: [{ name: 'mine' }], paths: { '/v1/a': { get: { summary: 'mine', security: [{ oauth2: [] }] } } } });
});

test('invalid options are reported at the start', async () => {
  const app = Fastify();
  await app.register(tokenward, settings);
  expect(() => app.guard.swagger({ routesWithoutGuardAreOpen: 'yes' as never, transform: {} as never })).toThrow(/2 invalid options/);
  expect(() => app.guard.swagger({ scheme: 'a b' })).toThrow(/scheme: must consist of/);
  expect(() => app.guard.swagger({ flow: {} } as never)).toThrow(/flow: is not an option/);
});
