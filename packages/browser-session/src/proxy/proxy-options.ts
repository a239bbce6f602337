import { ConfigurationError } from '@tokenward/core';
import { isAmbiguousTarget } from '@tokenward/core/adapter';
import { numberOption, OptionReader, plainOptions, readTable, type OptionTable } from '@tokenward/core/store';
import { isNeverSent } from './withheld-headers.js';

/** The options of `session.proxy`. `to`, `methods` and `paths` are required. */
export interface ProxyOptions {
  /** The API: its origin, and the path under which it is. `https://orders.internal/v1`. http only on loopback. */
  readonly to: string;
  /** The methods that pass. `GET` includes `HEAD`. */
  readonly methods: readonly string[];
  /** The paths that pass, each with all paths below it, as the API knows them: `/orders`. `['/']` lets all of them pass (RFC 10017 s6.1.3.6). */
  readonly paths: readonly string[];
  /**
   * Where the proxy is mounted: `/api`. It is removed from the path. Express and Fastify know it by themselves. Set it on Koa and `node:http`, and for
   * WebSockets everywhere. Default: `/`.
   */
  readonly mountPath?: string | undefined;
  /** Whether `upgrade` opens WebSockets. Default: false. */
  readonly webSockets?: boolean | undefined;
  /** Whether the API may set cookies for this app's origin, except those with the prefix `__Host-`. Default: false. */
  readonly passSetCookie?: boolean | undefined;
  /**
   * Whether the API gets `X-Forwarded-Host`, `-Proto` and `-Prefix`, and `-For` with the client's address by the framework's proxy rules. What a client sends
   * under such names never passes. Default: false.
   */
  readonly forwardedHeaders?: boolean | undefined;
  /**
   * Headers that pages may send to the API although other systems trust them: in these, gateways and proxies tell an API who the user is, or where the client is.
   * Names in lower case: `['x-user']`. A script in a page can send any value, so the API must not rely on these. Default: none passes.
   */
  readonly unsafeHeaders?: readonly string[] | undefined;
  /** Hosts besides loopback for which plain http is accepted in `to`. Anybody on the network path to them can read access tokens. */
  readonly unsafeHttpHosts?: readonly string[] | undefined;
  /** How long the API may take to begin its answer, in seconds. An answer that has begun may take any time. Default: 30. */
  readonly timeoutSeconds?: number | undefined;
  /** Certificates in PEM: of the authority that signed the API's certificate, and of this app as a client of the API. */
  readonly tls?: { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined } | undefined;
}

/** The options of a proxy, validated. */
export interface ProxyConfig {
  /** `https://orders.internal` */
  readonly origin: string;
  /** `/v1`, or an empty text: no slash at its end. */
  readonly basePath: string;
  readonly methods: ReadonlySet<string>;
  readonly paths: readonly string[];
  /** `/api`, or an empty text: no slash at its end. */
  readonly mountPath: string;
  readonly webSockets: boolean;
  readonly passSetCookie: boolean;
  readonly forwardedHeaders: boolean;
  readonly unsafeHeaders: ReadonlySet<string>;
  readonly timeoutMs: number;
  readonly tls: NonNullable<ProxyOptions['tls']>;
}

const OPTIONS = {
  to: readTo,
  methods: readMethods,
  paths: readPaths,
  mountPath: readMountPath,
  webSockets: (reader: OptionReader, name: string) => reader.flag(name),
  passSetCookie: (reader: OptionReader, name: string) => reader.flag(name),
  forwardedHeaders: (reader: OptionReader, name: string) => reader.flag(name),
  unsafeHeaders: readUnsafeHeaders,
  unsafeHttpHosts: (reader: OptionReader, name: string) => reader.hosts(name),
  timeoutSeconds: numberOption(30, { least: 0.1, most: 3600 }),
  tls: readTls,
} satisfies OptionTable<ProxyOptions>;

/** @throws ConfigurationError that lists all problems */
export function readProxyOptions(options: ProxyOptions): ProxyConfig {
  const reader = new OptionReader(plainOptions(options, 'session.proxy(options)'), Object.keys(OPTIONS));
  const { to, methods, mountPath, timeoutSeconds, unsafeHttpHosts: _hosts, ...rest } = readTable(reader, OPTIONS);
  if (rest.webSockets && mountPath === undefined)
    reader.wrong('mountPath', "is missing: webSockets needs it, since an upgrade does not pass through the framework. Set '/' if the proxy takes all paths");
  if (!to || reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return {
    ...rest,
    origin: to.origin,
    basePath: withoutSlash(to.pathname),
    methods: new Set(methods),
    mountPath: mountPath ?? '',
    timeoutMs: timeoutSeconds * 1000,
  };
}

function readTo(reader: OptionReader, name: string): URL | undefined {
  if (reader.get(name) === undefined) reader.wrong(name, 'is missing: set it to the address of the API');
  const text = reader.url(name, reader.httpHosts());
  if (text === undefined) return undefined;
  if (/[?#]/.test(text)) reader.wrong(name, 'must have no query and no fragment: the query of each request is passed on');
  return new URL(text);
}

/** Node opens a tunnel for CONNECT, and TRACE shows the access token to the page. */
const REFUSED_METHODS: readonly string[] = ['CONNECT', 'TRACE', 'TRACK'];

function readMethods(reader: OptionReader, name: string): readonly string[] {
  if (reader.get(name) === undefined) reader.wrong(name, "is missing: list the methods that pass, for example ['GET', 'POST']");
  const methods = reader.texts(name) ?? [];
  if (!methods.every((method) => /^[A-Z]+(?:-[A-Z]+)*$/.test(method))) reader.wrong(name, "must list methods in upper case: 'GET'");
  if (methods.some((method) => REFUSED_METHODS.includes(method))) reader.wrong(name, `must not contain ${REFUSED_METHODS.join(', ')}`);
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods;
}

function readPaths(reader: OptionReader, name: string): readonly string[] {
  if (reader.get(name) === undefined)
    reader.wrong(name, "is missing: list the paths that the pages need, for example ['/orders'], or set ['/'] to let all of them pass");
  const paths = reader.texts(name) ?? [];
  for (const path of paths) checkPath(reader, name, path);
  return paths.map(withoutSlash);
}

function readUnsafeHeaders(reader: OptionReader, name: string): ReadonlySet<string> {
  const headers = reader.texts(name) ?? [];
  if (!headers.every((header) => /^[a-z\d]+(?:-[a-z\d]+)*$/.test(header)))
    reader.wrong(name, "must list names of headers in lower case, without pattern: 'x-user'");
  for (const header of headers.filter(isNeverSent)) reader.wrong(name, `must not contain ${header}, which no page may send to an API`);
  return new Set(headers);
}

function readMountPath(reader: OptionReader, name: string): string | undefined {
  if (reader.get(name) === undefined) return undefined;
  const path = reader.text(name, '/');
  checkPath(reader, name, path);
  return withoutSlash(path);
}

function checkPath(reader: OptionReader, name: string, path: string): void {
  if (!/^\/[\x21-\x7e]*$/.test(path) || /[\\?#%*]/.test(path) || isAmbiguousTarget(path) || path.includes('//'))
    reader.wrong(name, "must be plain paths that begin with a slash, without query, encoding, pattern or dot segment: '/orders'");
}

function readTls(reader: OptionReader, name: string): NonNullable<ProxyOptions['tls']> {
  const inner = reader.inner(name, ['ca', 'cert', 'key']);
  const files = Object.entries({ ca: inner.get('ca'), cert: inner.get('cert'), key: inner.get('key') }).filter(([, pem]) => pem !== undefined);
  for (const [file, pem] of files) {
    if (typeof pem !== 'string' || !pem.includes('-----BEGIN ')) inner.wrong(file, 'must be a text in PEM. If it is in a file, read the file');
  }
  return Object.fromEntries(files) as NonNullable<ProxyOptions['tls']>;
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
