import { defineCommand, type CommandContext } from '../command.js';
import { CannotRunError, UsageError } from '../errors.js';
import { EXIT_CODES } from '../exit-codes.js';
import { claimsOf } from '../lib/claim-options.js';
import { askIssuer, findIssuer } from '../local-issuer/control-client.js';
import { MAX_LIFETIME_SECONDS } from '../local-issuer/lifetime.js';

const options = {
  scope: { type: 'string', value: 'SCOPE', multiple: true, summary: 'A scope of the token' },
  role: { type: 'string', value: 'ROLE', multiple: true, summary: 'A role of the token (claim roles). Default: the roles of the user' },
  subject: { type: 'string', value: 'NAME', summary: 'Whose token it is (claim sub). Default: the first user of the issuer' },
  audience: { type: 'string', value: 'URI', summary: 'The API that it is for (claim aud). Default: the first audience of the issuer' },
  client: { type: 'string', value: 'ID', summary: 'The client that got it (claim client_id). Default: dev-app' },
  lifetime: {
    type: 'string',
    value: 'SECONDS',
    summary: `How long it is valid, up to ${MAX_LIFETIME_SECONDS}. --lifetime=-60 mints one that expired a minute ago. Default: the --lifetime of the issuer`,
  },
  claim: { type: 'string', value: 'NAME=JSON', multiple: true, summary: 'Another claim: tenant=\'"acme"\', level=3' },
  issuer: { type: 'string', value: 'URL', summary: 'The local issuer, if several run. Default: the only one that runs' },
} as const;

export const tokenCommand = defineCommand({
  name: 'token',
  summary: 'Mint an access token of the local issuer',
  usage: '[options]',
  description:
    'Prints an access token of a running tokenward issuer. Nothing else goes to standard output, so that it fits into other commands. The token is as good as one of a login: handle it like a password.',
  options,
  examples: [
    'curl -H "Authorization: Bearer $(npx tokenward token --scope orders:read)" http://localhost:3000/orders',
    'tokenward token --subject grace --role editor --lifetime 60',
    `tokenward token --claim 'tenant="acme"'`,
  ],
  exitCodes: { 0: 'the token was printed', 1: 'not used', 3: 'no local issuer runs, several do, or the issuer refused the request' },
  run,
});

async function run(context: CommandContext<typeof options>): Promise<0> {
  const { env, output } = context;
  const { scope, role, subject, audience, client, lifetime, claim } = context.options;
  const lifetimeSeconds = lifetime === undefined ? undefined : lifetimeIn(lifetime);
  const request = {
    scopes: scope.flatMap((names) => names.split(' ')).filter((name) => name !== ''),
    ...(role.length > 0 && { roles: role }),
    ...(subject !== undefined && { subject }),
    ...(audience !== undefined && { audience }),
    ...(client !== undefined && { clientId: client }),
    ...(lifetimeSeconds !== undefined && { lifetimeSeconds }),
    claims: claimsOf(claim),
  };
  const issuer = await findIssuer(env, context.options.issuer);
  const { token } = (await askIssuer(issuer, 'token', request)) as { readonly token?: unknown };
  // any other text could print something to a terminal, or end a header
  if (typeof token !== 'string' || !/^[\w.~+/=-]{16,}$/.test(token))
    throw new CannotRunError('the local issuer sent no token. Start it again: npx tokenward issuer');
  output.line(token);
  return EXIT_CODES.good;
}

function lifetimeIn(text: string): number {
  const seconds = /^-?\d{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds === 0 || Math.abs(seconds) > MAX_LIFETIME_SECONDS) {
    throw new UsageError(`--lifetime must be a number of seconds up to ${MAX_LIFETIME_SECONDS}, or negative for an expired token: --lifetime=-60`);
  }
  return seconds;
}
