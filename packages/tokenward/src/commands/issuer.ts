import { resolve } from 'node:path';
import { isProduction } from '@tokenward/core/store';
import { defineCommand, type CommandContext } from '../command.js';
import { UsageError } from '../errors.js';
import { EXIT_CODES } from '../exit-codes.js';
import { MAX_LIFETIME_SECONDS } from '../local-issuer/lifetime.js';

const DEFAULT_PORT = 9400;
const DEFAULT_AUDIENCE = 'https://api.example.com';
const DEFAULT_LIFETIME = 3600;

const options = {
  port: { type: 'string', value: 'PORT', summary: `The port. 0 takes any free one. Default: ${DEFAULT_PORT}` },
  host: { type: 'string', value: 'HOST', summary: 'The address, which must be loopback: 127.0.0.1, ::1 or localhost. Default: 127.0.0.1' },
  audience: {
    type: 'string',
    value: 'URI',
    multiple: true,
    summary: `An API that tokens are for. The first one is the default of clients. Default: ${DEFAULT_AUDIENCE}`,
  },
  users: { type: 'string', value: 'FILE', summary: 'A JSON file with the users who can log in. Default: ada (admin), grace (editor) and linus' },
  keys: {
    type: 'string',
    value: 'FILE',
    summary: 'Keeps the signing key in this file, so that tokens stay valid when the issuer starts again. Default: in memory',
  },
  lifetime: { type: 'string', value: 'SECONDS', summary: `How long access tokens are valid, up to ${MAX_LIFETIME_SECONDS}. Default: ${DEFAULT_LIFETIME}` },
  opaque: { type: 'boolean', summary: 'Issue opaque access tokens, for APIs that introspect tokens, instead of JWTs' },
} as const;

export const issuerCommand = defineCommand({
  name: 'issuer',
  summary: 'Run an authorization server for development on this machine',
  usage: '[options]',
  description:
    'Starts an OAuth 2.0 and OpenID Connect server with a login page, code flow with PKCE, refresh tokens, client credentials, DPoP, introspection, revocation and logout. Only this machine can reach it. It ends with Ctrl+C.\nNever use it in production: by default, everybody who reaches it can log in as any user without a password.',
  options,
  examples: ['tokenward issuer', 'tokenward issuer --audience https://api.example.com --users users.json', 'tokenward issuer --keys .local-issuer-key.json'],
  exitCodes: {
    0: 'the issuer ran, and was ended by Ctrl+C or SIGTERM',
    1: 'not used',
    3: 'the issuer could not start: a port, a file, or NODE_ENV=production',
  },
  run,
});

async function run(context: CommandContext<typeof options>): Promise<0 | 3> {
  const { options, env, cwd, output, signal } = context;
  if (isProduction(env)) {
    output.note('error: NODE_ENV is production. The local issuer lets everybody log in as anybody, so it runs in development only');
    return EXIT_CODES.couldNotRun;
  }
  const audiences = options.audience.length > 0 ? options.audience : [DEFAULT_AUDIENCE];
  const wrong = audiences.find((audience) => !/^[\x21-\x7e]{1,1024}$/.test(audience) || !URL.canParse(audience) || audience.includes('#'));
  if (wrong !== undefined) throw new UsageError('--audience must be an absolute URI without a fragment (RFC 8707 s2), such as https://api.example.com');
  const port = numberOf('port', options.port, DEFAULT_PORT, 0, 65_535);
  const accessTokenLifetime = numberOf('lifetime', options.lifetime, DEFAULT_LIFETIME, 1, MAX_LIFETIME_SECONDS);

  const { withoutProviderNotices } = await import('../local-issuer/quiet-provider.js');
  const { DEFAULT_USERS, readUsers } = await import('../local-issuer/users.js');
  const { generateIssuerKey, keepIssuerKey } = await import('../local-issuer/signing-keys.js');
  const users = options.users === undefined ? DEFAULT_USERS : readUsers(resolve(cwd, options.users), options.users);
  const key = options.keys === undefined ? await generateIssuerKey() : await keepIssuerKey(resolve(cwd, options.keys), options.keys);
  const issuer = await withoutProviderNotices(async () => {
    const { startLocalIssuer } = await import('../local-issuer/index.js');
    return startLocalIssuer({ host: options.host ?? '127.0.0.1', port, audiences, users, key, isOpaque: options.opaque, accessTokenLifetime, env });
  });

  const { publicId, confidentialId, secret } = issuer.clients;
  const { bold, dim } = output.style;
  const introspection = options.opaque ? `, introspection: { clientId: '${confidentialId}', clientSecret }` : '';
  for (const line of [
    `${bold('Local issuer')} at ${issuer.issuer} ${dim('(development only; Ctrl+C ends it)')}`,
    '',
    bold('Your API'),
    `  createGuard({ issuer: '${issuer.issuer}', audience: '${audiences[0]}'${introspection} })`,
    '',
    bold('A token'),
    `  npx tokenward token --scope orders:read --role admin`,
    `  curl -H "Authorization: Bearer $(npx tokenward token)" http://localhost:3000/me`,
    '',
    bold('Clients'),
    `  ${publicId}     no secret, PKCE: single-page, mobile and command line apps`,
    `  ${confidentialId}  secret ${secret} ${dim('(new at every start)')}`,
    '  Any redirect URI on this machine is accepted.',
    '',
    `${bold('Users')}  ${users
      .slice(0, 10)
      .map(({ subject, roles }) => `${subject}${roles.length > 0 ? ` (${roles.join(', ')})` : ''}`)
      .join(', ')}${users.length > 10 ? ` and ${users.length - 10} more` : ''}`,
    `${bold('Try')}    npx tokenward attack http://localhost:3000/me`,
  ]) {
    output.line(line);
  }

  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await issuer.close();
  return EXIT_CODES.good;
}

function numberOf(name: string, text: string | undefined, byDefault: number, min: number, max: number): number {
  if (text === undefined) return byDefault;
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new UsageError(`--${name} must be a number from ${min} to ${max}`);
  return value;
}
