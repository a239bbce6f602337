import type { OptionReader } from '../lib/option-reader.js';
import { readInnerTable, type OptionTable } from '../lib/option-table.js';
import { shown } from '../lib/shown-option.js';
import { credentialsOf, isCredentials, isWithoutHeader, MULTIPLE, type Credentials, type CredentialsFailure } from './credentials.js';
import { fieldOf, linesOf } from './fields.js';
import type { ProtectedRequest } from './protected-request.js';

/** Where the access token may be, besides the `Authorization` header. A request with tokens in two places is refused. */
export interface CredentialsOptions {
  /** The name of a header that contains the token alone, without a scheme: `x-forwarded-access-token`. */
  readonly header?: string | undefined;
  /**
   * The prefix of the item of `Sec-WebSocket-Protocol` that contains the token. It ends with a dot. It is read in WebSocket handshakes only (RFC 6455), where
   * browsers can set no header. Never let the server choose this item as its protocol: the response would contain the token.
   *
   * @example credentials: { webSocketProtocol: 'bearer.' } // new WebSocket(url, ['feed.v1', `bearer.${token}`])
   */
  readonly webSocketProtocol?: string | undefined;
}

/** Finds the access token of a request in the places that the options name. */
export type ReadElsewhere = (request: ProtectedRequest, found: Credentials | CredentialsFailure, maxTokenBytes: number) => Credentials | CredentialsFailure;

const WEB_SOCKET_PROTOCOL = 'sec-websocket-protocol';

/** Reads the option `credentials` of a guard. Returns undefined if the token may be in the `Authorization` header only. */
export function readCredentialsOption(reader: OptionReader, name: string): ReadElsewhere | undefined {
  const { header, webSocketProtocol } = readInnerTable(reader, name, CREDENTIALS);
  if (header === undefined && webSocketProtocol === undefined) {
    if (reader.get(name) !== undefined) reader.wrong(name, 'names no place. Set header or webSocketProtocol, or leave it out');
    return undefined;
  }
  return (request, found, maxTokenBytes) => {
    const values = [...(header === undefined ? [] : linesOf(request, header)), ...(webSocketProtocol === undefined ? [] : offered(request, webSocketProtocol))];
    const [value] = values;
    if (value === undefined) return found;
    if (values.length > 1 || value.includes(',') || isCredentials(found) || !isWithoutHeader(found)) return MULTIPLE;
    return value === '' ? EMPTY : credentialsOf(value, request.target, maxTokenBytes);
  };
}

const EMPTY: CredentialsFailure = { reason: 'malformed_credentials', token: undefined, cause: 'the place that the option credentials names contains no token' };

/** Returns the tokens among the subprotocols that a WebSocket handshake offers. */
function offered(request: ProtectedRequest, prefix: string): readonly string[] {
  if (!isWebSocketHandshake(request)) return [];
  return linesOf(request, WEB_SOCKET_PROTOCOL)
    .flatMap((line) => line.split(','))
    .map((item) => item.trim())
    .filter((item) => item.startsWith(prefix))
    .map((item) => item.slice(prefix.length));
}

/** Over HTTP/1.1 (RFC 6455 s4.1), and over HTTP/2 (RFC 8441 s5). */
function isWebSocketHandshake(request: ProtectedRequest): boolean {
  const { method } = request;
  if (method === 'CONNECT') return fieldOf(request, ':protocol') === 'websocket';
  return method === 'GET' && String(fieldOf(request, 'upgrade')).toLowerCase() === 'websocket';
}

/** RFC 9110 s5.1. */
const FIELD_NAME = /^[a-z][a-z\d-]{0,63}$/;
/** Fields that mean something else, or that proxies and this package read. */
const RESERVED =
  /^(?:authorization|proxy-authorization|cookie|dpop|host|origin|connection|upgrade|content-.*|transfer-encoding|te|expect|accept.*|sec-.*|x-tokenward-.*|forwarded|x-forwarded-(?:for|host|proto|port|prefix)|x-forwarded-client-cert|client-cert.*)$/;
/** RFC 6455 s4.1: a token of RFC 9110, here in the letters that people use. */
const PREFIX = /^[A-Za-z][\w-]{0,31}(?:\.[\w-]{1,32}){0,4}\.$/;

const CREDENTIALS = {
  header: readHeaderName,
  webSocketProtocol: readPrefix,
} satisfies OptionTable<CredentialsOptions>;

function readHeaderName(reader: OptionReader, name: string): string | undefined {
  const given = reader.get(name);
  if (given === undefined) return undefined;
  const lower = typeof given === 'string' ? given.toLowerCase() : '';
  if (!FIELD_NAME.test(lower)) reader.wrong(name, `must be the name of a header, such as "x-forwarded-access-token" (got ${shown(given)})`);
  else if (RESERVED.test(lower)) reader.wrong(name, `must be a header for tokens alone: "${lower}" has another meaning`);
  else return lower;
  return undefined;
}

function readPrefix(reader: OptionReader, name: string): string | undefined {
  const given = reader.get(name);
  if (given === undefined) return undefined;
  if (typeof given === 'string' && PREFIX.test(given)) return given;
  reader.wrong(name, `must be the beginning of a subprotocol and end with a dot, such as "bearer." (got ${shown(given)})`);
  return undefined;
}
