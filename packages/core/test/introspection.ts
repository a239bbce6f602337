import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createResourceGuard, type GuardOptions, type IntrospectionOptions, type ResourceGuard } from '@tokenward/core';
import { createTestClock, type TestClock } from '@tokenward/testing';
import { onTestFinished } from 'vitest';

/** A request that arrived at an introspection endpoint. */
export interface Question {
  readonly method: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly url: string | undefined;
  readonly form: URLSearchParams;
}

export interface Endpoint {
  readonly url: string;
  readonly questions: Question[];
  close(): Promise<void>;
}

/** Starts an introspection endpoint that answers as a test says. */
export async function startEndpoint(answer: (question: Question, response: ServerResponse) => unknown): Promise<Endpoint> {
  const questions: Question[] = [];
  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      const question = { method: request.method, headers: request.headers, url: request.url, form: new URLSearchParams(body) };
      questions.push(question);
      const content = await answer(question, response);
      if (content !== undefined) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(content));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`;
  async function close(): Promise<void> {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
  onTestFinished(close);
  return { url, questions, close };
}

export const ISSUER = 'https://login.example.test';
export const AUDIENCE = 'https://api.example.test';

/** Returns the members of an active answer that a guard accepts. */
export function activeAnswer(clock: Pick<TestClock, 'now'>, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const now = Math.floor(clock.now() / 1000);
  return { active: true, iss: ISSUER, aud: AUDIENCE, sub: 'user-1', client_id: 'client-1', token_type: 'Bearer', iat: now, exp: now + 300, ...more };
}

export interface AskingGuard {
  readonly guard: ResourceGuard;
  readonly clock: TestClock;
  readonly endpoint: Endpoint;
}

/** Creates a guard whose issuer has only an introspection endpoint. */
export async function createAskingGuard(
  answer: (question: Question, response: ServerResponse, clock: TestClock) => unknown,
  introspection: IntrospectionOptions = {},
  options: GuardOptions = {},
): Promise<AskingGuard> {
  const clock = createTestClock();
  const endpoint = await startEndpoint((question, response) => answer(question, response, clock));
  const guard = createResourceGuard({
    issuer: ISSUER,
    audience: AUDIENCE,
    clock,
    introspection: { endpoint: endpoint.url, clientId: 'api', clientSecret: 'secret', ...introspection },
    ...options,
  });
  onTestFinished(() => guard.close());
  return { guard, clock, endpoint };
}
