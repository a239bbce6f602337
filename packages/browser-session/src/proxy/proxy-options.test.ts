import { expect, test } from 'vitest';
import { readProxyOptions, type ProxyOptions } from './proxy-options.js';

const GOOD = { to: 'https://orders.internal/v1/', methods: ['GET', 'POST'], paths: ['/'] };

function problemsOf(options: object): string {
  try {
    readProxyOptions({ ...GOOD, ...options });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

test('reads the options, and knows the defaults', () => {
  expect(readProxyOptions({ ...GOOD, paths: ['/orders/', '/a/b'], mountPath: '/api/' })).toEqual({
    origin: 'https://orders.internal',
    basePath: '/v1',
    methods: new Set(['GET', 'POST', 'HEAD']),
    paths: ['/orders', '/a/b'],
    mountPath: '/api',
    webSockets: false,
    passSetCookie: false,
    forwardedHeaders: false,
    unsafeHeaders: new Set(),
    timeoutMs: 30_000,
    tls: {},
  });
  expect(readProxyOptions({ to: 'http://localhost:1234', methods: ['POST'], paths: ['/'], mountPath: '/' })).toMatchObject({
    basePath: '',
    mountPath: '',
    methods: new Set(['POST']),
    paths: [''],
  });
  expect(problemsOf({ to: 'http://orders', unsafeHttpHosts: ['orders'] })).toBe('');
  expect(problemsOf({ webSockets: true, mountPath: '/' })).toBe('');
  expect(readProxyOptions({ ...GOOD, unsafeHeaders: ['x-user', 'x-consumer-id'] }).unsafeHeaders).toEqual(new Set(['x-user', 'x-consumer-id']));
  expect(problemsOf({ tls: { ca: '-----BEGIN CERTIFICATE-----' } })).toBe('');
});

test.each<[object, string]>([
  [{ to: undefined }, 'to: is missing'],
  [{ to: 'orders.internal' }, 'to: '],
  [{ to: 'http://orders.internal' }, 'to: must use https'],
  [{ to: 'ftp://orders.internal' }, 'to: must use https'],
  [{ to: 'https://user:password@orders.internal' }, 'to: contains a user name or password'],
  [{ to: 'https://orders.internal/v1/../v2' }, 'to: has a backslash or a dot segment'],
  [{ to: 'https://orders.internal/?key=1' }, 'to: must have no query'],
  [{ to: 'https://orders.internal/#x' }, 'to: must have no query'],
  [{ to: () => 'https://orders.internal' }, 'to: must be a string'],
  [{ methods: undefined }, 'methods: is missing'],
  [{ methods: [] }, 'methods: must be a list of one or more'],
  [{ methods: ['get'] }, 'methods: must list methods in upper case'],
  [{ methods: ['*'] }, 'methods: must list methods in upper case'],
  [{ methods: ['CONNECT'] }, 'methods: must not contain CONNECT'],
  [{ methods: ['TRACE'] }, 'methods: must not contain CONNECT, TRACE'],
  [{ paths: [] }, 'paths: must be a list of one or more'],
  [{ paths: ['orders'] }, 'paths: must be plain paths'],
  [{ paths: ['/orders/*'] }, 'paths: must be plain paths'],
  [{ paths: ['/orders?x'] }, 'paths: must be plain paths'],
  [{ paths: ['/a/../b'] }, 'paths: must be plain paths'],
  [{ paths: ['//a'] }, 'paths: must be plain paths'],
  [{ paths: ['/%61'] }, 'paths: must be plain paths'],
  [{ mountPath: 'api' }, 'mountPath: must be plain paths'],
  [{ webSockets: true }, 'mountPath: is missing'],
  [{ webSockets: 'yes', mountPath: '/' }, 'webSockets: must be true or false'],
  [{ timeoutSeconds: 0 }, 'timeoutSeconds: must be a number from 0.1 to 3600'],
  [{ tls: { ca: 'ca.pem' } }, 'tls.ca: must be a text in PEM'],
  [{ tls: { rejectUnauthorized: false } }, 'tls.rejectUnauthorized: is not an option'],
  [{ changeOrigin: true }, 'changeOrigin: is not an option'],
  [{ unsafeHeaders: 'x-user' }, 'unsafeHeaders: must be a list of one or more'],
  [{ unsafeHeaders: [] }, 'unsafeHeaders: must be a list of one or more'],
  [{ unsafeHeaders: ['X-User'] }, 'unsafeHeaders: must list names of headers in lower case, without pattern'],
  [{ unsafeHeaders: ['x-consumer-*'] }, 'unsafeHeaders: must list names of headers in lower case, without pattern'],
  [{ unsafeHeaders: ['x_user'] }, 'unsafeHeaders: must list names of headers in lower case, without pattern'],
  ...[
    'authorization',
    'connection',
    'cookie',
    'forwarded',
    'host',
    'te',
    'transfer-encoding',
    'upgrade',
    'x-envoy-external-address',
    'x-forwarded',
    'x-forwarded-for',
    'x-forwarded-user',
    'x-http-method-override',
    'x-original-url',
    'x-rewrite-url',
    'x-tokenward-csrf',
  ].map((name): [object, string] => [{ unsafeHeaders: ['x-user', name] }, `unsafeHeaders: must not contain ${name}, which no page may send to an API`]),
  [{ unsafeHttpHosts: ['*'] }, 'unsafeHttpHosts: must list host names'],
])('%j is refused at the start: %s', (options, problem) => {
  expect(problemsOf(options)).toContain(problem);
});

test('RFC 10017 s6.1.3.6: without a list of paths, the app does not start', () => {
  expect(problemsOf({ paths: undefined })).toBe(
    "tokenward: paths: is missing: list the paths that the pages need, for example ['/orders'], or set ['/'] to let all of them pass",
  );
  expect(problemsOf({ paths: ['/'] })).toBe('');
});

test('members of a polluted prototype are no options', () => {
  expect(() => readProxyOptions(Object.create(GOOD) as ProxyOptions)).toThrow('must be a plain object');
});
