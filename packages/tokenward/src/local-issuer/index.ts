import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback } from '@tokenward/core/store';
import { CannotRunError, UsageError } from '../errors.js';
import { loopbackAddresses } from '../lib/loopback.js';
import { createClients, type LocalClients } from './clients.js';
import { createControl } from './control.js';
import { behindFrontDoor } from './front-door.js';
import { createHostileKeys, type HostileKeys } from './hostile-keys.js';
import { createInteractions, isInteraction } from './interactions.js';
import { checked, createMint } from './minting.js';
import { pagePolicy, startPage } from './pages.js';
import { createProvider, type ProviderSettings } from './provider.js';
import { publicJwkOf } from './signing-keys.js';
import { writeState } from './state-file.js';

export interface LocalIssuerOptions extends Omit<ProviderSettings, 'issuer' | 'clients'> {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A running authorization server for development. */
export interface LocalIssuer {
  readonly issuer: string;
  readonly clients: LocalClients;
  close(): Promise<void>;
}

/**
 * Starts a local issuer: oidc-provider on loopback, and a control server for the commands of this user.
 *
 * @throws UsageError if the host is not loopback
 * @throws CannotRunError if it cannot listen, or if others could read its state file
 */
export async function startLocalIssuer({ host, port, env, ...options }: LocalIssuerOptions): Promise<LocalIssuer> {
  const hostname = host.replace(/^\[(.*)\]$/, '$1');
  const inUrl = hostname.includes(':') ? `[${hostname}]` : hostname;
  // another name that leads to loopback today may lead elsewhere tomorrow
  const addresses = isLoopback(inUrl) ? await loopbackAddresses(hostname) : undefined;
  if (!addresses) throw new UsageError('--host must be on this machine: 127.0.0.1, ::1 or localhost. Anybody who reaches the issuer can log in as anybody');
  let listener: RequestListener = (_request, response) => void response.writeHead(503).end();
  const servers: Server[] = [];
  try {
    // localhost has several addresses: another program could answer at one that is left out
    for (const address of new Set(addresses)) {
      const server = createServer((request, response) => listener(request, response));
      servers.push(server);
      await listen(server, portOf(servers[0]!) ?? port, address);
    }
    // an issuer has only one spelling, which leaves out the port 80
    const { origin: issuer } = new URL(`http://${inUrl}:${portOf(servers[0]!)}`);
    const settings: ProviderSettings = { ...options, issuer, clients: createClients() };
    const local = createProvider(settings);
    const mint = createMint(settings, local);
    const hostile = createHostileKeys(settings);
    const control = createControl({
      token: async (request) => ({ token: await mint(request) }),
      hostile: async (request) => ({ tokens: await hostile.sign(request) }),
      withdraw: async (request) => {
        checked(request, {});
        hostile.withdraw();
        return {};
      },
    });
    servers.push(control.server);
    await listen(control.server, 0, '127.0.0.1');
    const answer = local.provider.callback();
    const provider: RequestListener = (request, response) => void answer(request, response);
    listener = behindFrontDoor(issuer, routesOf(settings, hostile, provider, createInteractions(local.provider, issuer, settings.users)));
    const state = { issuer, audiences: settings.audiences, controlPort: portOf(control.server)!, secret: control.secret };
    const removeState = await writeState(env, state);
    return {
      issuer,
      clients: settings.clients,
      async close() {
        await Promise.all([removeState(), ...servers.map(closeServer)]);
      },
    };
  } catch (error) {
    await Promise.all(servers.map(closeServer));
    throw error;
  }
}

function routesOf(
  settings: ProviderSettings,
  hostile: HostileKeys,
  provider: RequestListener,
  interactions: ReturnType<typeof createInteractions>,
): RequestListener {
  const { issuer, audiences, clients, key } = settings;
  return (request, response) => {
    const { method, url = '' } = request;
    const isRead = method === 'GET' || method === 'HEAD';
    if (isInteraction(url)) void interactions(request, response);
    else if (url === '/jwks' && isRead) {
      response.writeHead(200, { 'content-type': 'application/jwk-set+json; charset=utf-8', 'access-control-allow-origin': '*' });
      response.end(JSON.stringify({ keys: [publicJwkOf(key), ...hostile.published()] }));
    } else if (url === '/' && isRead) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': pagePolicy() });
      response.end(startPage({ issuer, audiences, clientIds: [clients.publicId, clients.confidentialId] }));
    } else {
      // RFC 8414 s3: the same document
      if (url === '/.well-known/oauth-authorization-server') request.url = '/.well-known/openid-configuration';
      provider(request, response);
    }
  };
}

function portOf(server: Server): number | undefined {
  return (server.address() as AddressInfo | null)?.port;
}

function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) => {
      const remedy = code === 'EADDRINUSE' ? 'Another program uses the port. Choose one with --port' : 'Choose another address with --host and --port';
      reject(new CannotRunError(`cannot listen on ${address} port ${port} (${code ?? 'unknown error'}). ${remedy}`));
    });
    server.listen({ port, host: address, ipv6Only: true }, resolve);
  });
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
