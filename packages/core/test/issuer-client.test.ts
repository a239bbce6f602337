import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { createIssuerClient, IssuerRequestError, type IssuerClientOptions } from '@tokenward/core';
import { describe, expect, onTestFinished, test } from 'vitest';

const SECRET = 'PLANTED-secret:with a colon, blanks & ümlauts+%';
const TOKEN = 'PLANTED-token';

interface ReceivedRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly form: Record<string, string>;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts an authorization server whose revocation endpoint answers with `answer`. */
async function startServer(answer: Answer, metadata: (issuer: string) => object = (issuer) => ({ issuer, revocation_endpoint: `${issuer}/revoke` })) {
  const received: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/.well-known/openid-configuration') {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(metadata(issuer)));
      return;
    }
    void text(request).then((body) => {
      received.push({
        method: request.method,
        url: request.url,
        authorization: request.headers.authorization,
        form: Object.fromEntries(new URLSearchParams(body)),
      });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { issuer, received };
}

const DONE: Answer = (_request, response) => void response.writeHead(200).end();

function clientOf(issuer: string, options: Partial<IssuerClientOptions> = {}) {
  return createIssuerClient({ issuer, clientId: 'api:1', clientSecret: SECRET, ...options });
}

async function failureOf(call: Promise<void>): Promise<IssuerRequestError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(IssuerRequestError);
  expect(inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error)).not.toMatch(/PLANTED/);
  return error as IssuerRequestError;
}

describe('rule 114: revokeAtIssuer', () => {
  test('sends a POST with the token only in the body, and the client form-encoded as in RFC 6749', async () => {
    const { issuer, received } = await startServer(DONE);
    await clientOf(issuer).revokeAtIssuer(TOKEN, { tokenTypeHint: 'refresh_token' });
    expect(received).toMatchObject([{ method: 'POST', url: '/revoke', form: { token: TOKEN, token_type_hint: 'refresh_token' } }]);
    const [id, secret] = Buffer.from(received[0]!.authorization!.slice('Basic '.length), 'base64').toString().split(':') as [string, string];
    expect([...new URLSearchParams(`id=${id}&secret=${secret}`).values()]).toEqual(['api:1', SECRET]);
    expect(Object.keys(received[0]!.form)).toEqual(['token', 'token_type_hint']);
  });

  test('authenticates by client_secret_post, or as a public client', async () => {
    const { issuer, received } = await startServer(DONE);
    await clientOf(issuer, { authentication: 'client_secret_post' }).revokeAtIssuer(TOKEN);
    await clientOf(issuer, { authentication: 'none', clientSecret: undefined }).revokeAtIssuer(TOKEN);
    expect(received.map(({ form, authorization }) => [form, authorization])).toEqual([
      [{ token: TOKEN, client_id: 'api:1', client_secret: SECRET }, undefined],
      [{ token: TOKEN, client_id: 'api:1' }, undefined],
    ]);
  });

  test('succeeds if the server answers 200, whatever the body', async () => {
    const { issuer } = await startServer((_request, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>'));
    await expect(clientOf(issuer).revokeAtIssuer('unknown')).resolves.toBeUndefined();
  });

  const FAILURES: readonly [string, Answer, Partial<IssuerRequestError>, RegExp][] = [
    [
      '503',
      (_request, response) => void response.writeHead(503, { 'retry-after': '7' }).end(),
      { status: 503, retryAfterSeconds: 7 },
      /status 503, so the token may still be valid/,
    ],
    ['500 with HTML', (_request, response) => void response.writeHead(500).end('<h1>PLANTED'), { status: 500 }, /status 500/],
    [
      'an error code',
      (_request, response) => void response.writeHead(401).end('{"error":"invalid_client"}'),
      { status: 401, error: 'invalid_client' },
      /401 \(invalid_client\)/,
    ],
    [
      'a malformed error code',
      (_request, response) => void response.writeHead(400).end('{"error":"PLANTED <script>"}'),
      { status: 400, error: undefined },
      /status 400,/,
    ],
    ['204', (_request, response) => void response.writeHead(204).end(), { status: 204 }, /status 204/],
    ['a reset connection', (request) => void request.socket.resetAndDestroy(), { status: undefined }, /\/revoke: /],
    ['no answer', () => {}, { status: undefined }, /no complete answer within 0\.3 s/],
    [
      'a switch of protocols',
      (request) => void request.socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
      { status: undefined },
      /another protocol/,
    ],
    ['an answer that does not end', (_request, response) => void response.writeHead(200).write('x'), { status: undefined }, /no complete answer within 0\.3 s/],
    ['an answer that is too large', (_request, response) => void response.writeHead(200).end('x'.repeat(100_000)), { status: undefined }, /larger than 65536/],
  ];
  test.each(FAILURES)('reports %s as a failure', async (_name, answer, expected, message) => {
    const { issuer } = await startServer(answer);
    const error = await failureOf(clientOf(issuer, { timeoutSeconds: 0.3 }).revokeAtIssuer(TOKEN));
    expect(error).toMatchObject({ code: 'TOKENWARD_ISSUER_REQUEST', ...expected });
    expect(error.message).toMatch(message);
  });

  test('rule 54: reports a redirect as a failure, and does not follow it', async () => {
    const { issuer: second, received } = await startServer(DONE);
    for (const status of [301, 302, 303, 307, 308]) {
      const { issuer } = await startServer((_request, response) => void response.writeHead(status, { location: `${second}/revoke` }).end());
      expect(await failureOf(clientOf(issuer).revokeAtIssuer(TOKEN))).toMatchObject({ status });
    }
    expect(received).toEqual([]);
  });

  test.each([
    [(issuer: string) => ({ issuer }), /the metadata has no revocation_endpoint; set the option revocationEndpoint to the address/],
    [(issuer: string) => ({ issuer: `${issuer}/`, revocation_endpoint: `${issuer}/revoke` }), /the metadata names the issuer/],
    [(issuer: string) => ({ issuer, revocation_endpoint: 'http://login.example.test/revoke' }), /its revocation_endpoint, .* must use https/],
    [(issuer: string) => ({ issuer, revocation_endpoint: 'javascript:alert(1)' }), /its scheme is/],
  ])('rules 51 and 53: sends no token if the metadata is wrong', async (metadata, message) => {
    const { issuer, received } = await startServer(DONE, metadata);
    expect((await failureOf(clientOf(issuer).revokeAtIssuer(TOKEN))).message).toMatch(message);
    expect(received).toEqual([]);
  });

  test('sends the request to revocationEndpoint without fetching metadata', async () => {
    const { issuer, received } = await startServer(DONE, () => ({}));
    await clientOf('https://login.example.test', { revocationEndpoint: `${issuer}/elsewhere` }).revokeAtIssuer(TOKEN);
    expect(received).toMatchObject([{ url: '/elsewhere' }]);
  });
});

test.each([
  [{}, /4 invalid options|issuer: is missing/],
  [{ issuer: 'http://login.example.test', clientId: 'a', clientSecret: 'PLANTED' }, /issuer: must use https/],
  [{ issuer: 'https://a.test', clientId: 'a' }, /clientSecret: is missing/],
  [{ issuer: 'https://a.test', clientId: 'a', clientSecret: '' }, /clientSecret: is missing, empty/],
  [
    { issuer: 'https://a.test', clientId: 'a', clientSecret: 'PLANTED\n' },
    /clientSecret: begins or ends with white space, such as the line break at the end of a file/,
  ],
  [{ issuer: 'https://a.test', clientId: 'a', clientSecret: ' PLANTED' }, /clientSecret: begins or ends with white space/],
  [{ issuer: 'https://a.test', clientId: 'a\r\n', clientSecret: 'PLANTED' }, /clientId: begins or ends with white space/],
  [{ issuer: 'https://a.test', clientId: 'a', clientSecret: 'PLANTED', authentication: 'none' }, /clientSecret: cannot be combined with authentication: none/],
  [
    { issuer: 'https://a.test', clientId: 'a', clientSecret: 'PLANTED', authentication: 'private_key_jwt' },
    /authentication: must be one of .*\(got "private_key_jwt"\)/,
  ],
  [{ issuer: 'https://a.test', clientId: 'a', clientSecret: 'PLANTED', timeoutSeconds: 0 }, /timeoutSeconds: must be .*\(got 0\)/],
])('reports invalid options at once, without secrets: %j', (options, message) => {
  expect(() => createIssuerClient(options as IssuerClientOptions)).toThrow(message);
  expect(() => createIssuerClient(options as IssuerClientOptions)).not.toThrow(/PLANTED/);
});

test.each([undefined, '', 7, 'x'.repeat(70_000)])('rejects an argument that is not a token', async (token) => {
  await expect(clientOf('https://login.example.test').revokeAtIssuer(token as string)).rejects.toThrow(/revokeAtIssuer\(\)/);
});

test('rule 142: inspecting a client shows no secret', () => {
  expect(inspect(clientOf('https://a.test'), { depth: 10, showHidden: true })).not.toContain('PLANTED');
});
