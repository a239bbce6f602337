import { defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { EXPLAIN_FLAGS } from '../explain/flags.js';

const NOT_AS_ARGUMENT =
  'explain takes the token from standard input, never as an argument: other users of this machine can see arguments with ps, and the shell keeps them in its history. Write: tokenward explain < token.txt. If the token was on a command line, let it expire or revoke it';

/** `tokenward explain`: why is a token refused? */
export const explain = defineCommand({
  name: 'explain',
  summary: 'Find out why an access token is refused',
  usage: '[options] < token',
  description: [
    'Reads a token from standard input, or asks for it, and checks it in the same steps as the API does. It shows each step, and for each mistake what was expected, what was found, and what to do.',
    'The token stays on this machine: the command fetches the metadata and the keys of the issuer, and sends nothing else. It never prints the token.',
    'Without --issuer it shows what the token says about itself, which proves nothing.',
  ].join('\n'),
  options: EXPLAIN_FLAGS,
  noPositionals: NOT_AS_ARGUMENT,
  refusedOptions: { token: NOT_AS_ARGUMENT, 'access-token': NOT_AS_ARGUMENT, jwt: NOT_AS_ARGUMENT },
  exitCodes: {
    0: 'the API would accept the token',
    1: 'the token is refused, was not verified, or needs a proof that was not checked',
    3: 'the keys cannot be fetched, or the input breaks off',
  },
  examples: [
    'tokenward explain --issuer https://login.example.com --audience https://api.example.com < token.txt',
    'tokenward explain --preset keycloak --issuer https://sso.example.com/realms/shop --audience orders-api --scope orders:read < token.txt',
    'pbpaste | tokenward explain',
  ],
  async run(context) {
    const { at } = context.options;
    const atMs = at === undefined ? context.now() : timeIn(at);
    const { explainToken } = await import('../explain/explain-token.js');
    return explainToken(context, atMs);
  },
});

function timeIn(text: string): number {
  const ms = /^\d{9,11}$/.test(text) ? Number(text) * 1000 : /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isFinite(ms)) throw new UsageError('--at needs a time such as 2026-01-31T12:00:00Z, or seconds since 1970');
  return ms;
}
