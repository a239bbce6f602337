// Documents compared with what the running app answers.
import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { createTestIssuer } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { allOf, anyOf, anyScope, role, scope, tokenward } from '@tokenward/fastify';
import { answersNotDocumented, expectValidDocument, type OpenApiDocument } from '../../testing/test/open-api.js';
import { listen } from './start-fastify.js';

const issuer = await createTestIssuer({ algorithm: 'ES256' });
afterAll(() => issuer.close());
const tokenWith = (scopes: readonly string[]) => issuer.issueToken({ claims: { scope: scopes.join(' ') } });
const info = { title: 'Orders', version: '1.0.0' };
const ok = async (): Promise<object> => ({ ok: true });

interface Parts {
  readonly options?: FastifyServerOptions;
  readonly openapi?: object;
  /** Options of @fastify/swagger. */
  readonly more?: object;
  readonly protect?: 'all';
  readonly headers?: Record<string, string>;
}

/** Starts an app, and returns its document once it is valid, the same each time, and every answer is as it says. */
async function documentOf(
  addRoutes: (app: FastifyInstance) => unknown,
  { options = {}, openapi, more, protect, headers }: Parts = {},
): Promise<OpenApiDocument> {
  const app: FastifyInstance = Fastify(options);
  await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience, ...(protect && { protect }) });
  await app.register(swagger, { openapi: { openapi: '3.1.0', info, ...openapi }, ...more, ...app.guard.swagger() });
  await addRoutes(app);
  const { origin, close } = await listen(app);
  onTestFinished(close);
  const document = await expectValidDocument(app.swagger());
  expect(app.swagger()).toEqual(document);
  expect(app.swagger({ yaml: true })).toContain('AccessProblem');
  expect(await answersNotDocumented(document, origin, { tokenWith, ...(headers && { headers }) })).toEqual([]);
  return document;
}

const needs = ({ paths }: OpenApiDocument) =>
  Object.entries(paths).flatMap(([path, item]) => Object.entries(item).map(([method, { security }]) => `${method} ${path} ${JSON.stringify(security)}`));

test('rule 290: scopes within scopes, each with guards and a prefix', async () => {
  const document = await documentOf(
    async (app) => {
      await app.register(
        async (teas) => {
          teas.addHook('preHandler', app.guard(scope('a')));
          teas.get('/', ok);
          teas.get('/x', { preHandler: [async () => {}, app.guard(scope('x')), app.guard(anyScope('p', 'q'))] }, ok);
          await teas.register(
            async (cups) => {
              cups.addHook('onRequest', app.guard.optional());
              cups.get('/y', { config: { tokenward: 'public' } }, ok);
              cups.post('/z', { config: { tokenward: [scope('z')] } }, ok);
            },
            { prefix: '/cups' },
          );
        },
        { prefix: '/teas' },
      );
      await app.register(
        async (tenants) => {
          tenants.get('/maybe', { config: { tokenward: 'optional' } }, ok);
          tenants.get('/open', { config: { tokenward: 'public' } }, ok);
          tenants.get('/', { prefixTrailingSlash: 'both', config: { tokenward: scope('c') } }, ok);
        },
        { prefix: '/of/:tenant' },
      );
    },
    { protect: 'all' },
  );
  expect(needs(document)).toEqual([
    'get /teas/ [{"oauth2":["a"]}]',
    'get /teas/x [{"oauth2":["a","x","p"]},{"oauth2":["a","x","q"]}]',
    'get /teas/cups/y [{"oauth2":["a"]}]',
    'post /teas/cups/z [{"oauth2":["z","a"]}]',
    'get /of/{tenant}/maybe [{},{"oauth2":[]}]',
    'get /of/{tenant}/open undefined',
    'get /of/{tenant}/ [{"oauth2":["c"]}]',
  ]);
});

test('rule 290: HEAD, wildcards, patterns, and several methods', async () => {
  const addRoutes = (app: FastifyInstance): void => {
    app.head('/head', { config: { tokenward: scope('h') } }, ok);
    app.get('/files/*', { config: { tokenward: scope('f') } }, ok);
    app.get('/pub/*', { config: { tokenward: 'public' } }, ok);
    app.get('/numbers/:id(^\\d+$)', { config: { tokenward: scope('r') } }, ok);
    app.route({ method: ['GET', 'PUT', 'DELETE', 'OPTIONS'], url: '/all', config: { tokenward: scope('all') }, handler: ok });
  };
  const { paths } = await documentOf(addRoutes, { more: { exposeHeadRoutes: true } });
  expect(paths['/files/{*}']!['get']!.security).toEqual([{ oauth2: ['f'] }]);
  expect(paths['/files/{*}']!['head']!.security).toEqual([{ oauth2: ['f'] }]);
  expect(paths['/pub/{*}']!['get']!.security).toBeUndefined();
  expect(Object.values(paths['/all']!).map(({ security }) => security)).toEqual(Object.keys(paths['/all']!).map(() => [{ oauth2: ['all'] }]));
});

test('rule 290: any of several scopes, in every kind of hook', async () => {
  const document = await documentOf((app) => {
    app.get('/1', { preHandler: [app.guard(anyScope('a', 'b'))] }, ok);
    app.get('/2', { onRequest: [app.guard(anyOf(scope('a', 'b'), allOf(scope('c'), anyScope('d', 'e'))))] }, ok);
    app.get('/3', { config: { tokenward: anyOf(scope('a'), role('auditor')) } }, ok);
    app.get('/4', { onRequest: app.guard.optional(scope('m')) }, ok);
    app.get('/5', { preValidation: app.guard.optional(scope('m')), preParsing: app.guard(anyScope('m', 'n')) }, ok);
    app.get('/6', { config: { tokenward: (request) => scope(request.method) } }, ok);
  });
  expect(needs(document)).toEqual([
    'get /1 [{"oauth2":["a"]},{"oauth2":["b"]}]',
    'get /2 [{"oauth2":["a","b"]},{"oauth2":["c","d"]},{"oauth2":["c","e"]}]',
    'get /3 [{"oauth2":["a"]},{"oauth2":[]}]',
    'get /4 [{},{"oauth2":["m"]}]',
    'get /5 [{"oauth2":["m"]}]',
    'get /6 [{"oauth2":[]}]',
  ]);
});

test('rule 291: routes with other constraints share an operation, whatever their order', async () => {
  const version = (app: FastifyInstance, name: string, rule: 'public' | ReturnType<typeof scope>): void => {
    app.get('/cats', { constraints: { version: name }, config: { tokenward: rule } }, ok);
    app.post('/cats', { constraints: { version: name }, config: { tokenward: scope(`cats:v${name[0]}`) } }, ok);
  };
  const adding = [(app: FastifyInstance) => version(app, '1.0.0', 'public'), (app: FastifyInstance) => version(app, '2.0.0', scope('cats:read'))];
  for (const order of [adding, adding.toReversed()]) {
    const { paths } = await documentOf((app) => order.forEach((add) => add(app)), { headers: { 'accept-version': '2.0.0' } });
    expect(paths['/cats']!['get']!.security).toEqual([{ oauth2: ['cats:read'] }]);
    expect(paths['/cats']!['get']!.description).toMatch(/^Several handlers share this operation: .* Not all of them need a token\.$/);
    expect(paths['/cats']!['post']!.security).toEqual(expect.arrayContaining([{ oauth2: ['cats:v1'] }, { oauth2: ['cats:v2'] }]));
  }
  const { paths } = await documentOf((app) => {
    app.get('/cats', { constraints: { host: /^127\./ }, config: { tokenward: scope('a') } }, ok);
    app.get('/cats', { constraints: { host: 'open.example.test' }, config: { tokenward: 'public' } }, ok);
  });
  expect(paths['/cats']!['get']!.security).toEqual([{ oauth2: ['a'] }]);
});

test('rule 292: names that the document uses for something else stay, and ours gets another', async () => {
  const mine = { type: 'object', properties: { mine: { type: 'string' } } };
  const oauth2 = { type: 'apiKey', in: 'header', name: 'x-key' };
  const routes = (app: FastifyInstance): void => void app.get('/a', { config: { tokenward: scope('a') } }, ok);
  for (const { paths, components } of [
    await documentOf(routes, { openapi: { components: { schemas: { AccessProblem: mine }, securitySchemes: { oauth2 } } } }),
    await documentOf(
      (app) => {
        app.addSchema({ $id: 'AccessProblem', ...mine });
        routes(app);
      },
      {
        openapi: { components: { securitySchemes: { oauth2 } } },
        more: { refResolver: { buildLocalReference: ({ $id }: { $id: string }) => $id } },
      },
    ),
  ]) {
    expect(paths['/a']!['get']!.security).toEqual([{ 'oauth2.2': ['a'] }]);
    expect(components!.securitySchemes).toMatchObject({ oauth2, 'oauth2.2': { type: 'openIdConnect' } });
    expect(paths['/a']!['get']!.responses['401']!.content).toEqual({
      'application/problem+json': { schema: { $ref: '#/components/schemas/AccessProblem.2' } },
    });
    expect(components!.schemas).toMatchObject({ AccessProblem: mine, 'AccessProblem.2': { required: expect.arrayContaining(['status']) } });
  }
});
