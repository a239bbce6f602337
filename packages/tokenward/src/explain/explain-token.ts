import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { CommandContext } from '../command.js';
import { EXIT_CODES, type ExitCode } from '../exit-codes.js';
import { guardSettings, hasIssuer, presetHint } from '../guard-options.js';
import { createOutput } from '../output.js';
import { diagnose, type Diagnosis } from './diagnose.js';
import type { EXPLAIN_FLAGS } from './flags.js';
import { readToken } from './read-token.js';
import { reportDiagnosis, reportItself } from './report.js';
import { describeItself, type SelfDescription } from './self-description.js';
import { withoutToken } from './without-token.js';

/** Runs `tokenward explain` once its options are checked. */
export async function explainToken(context: CommandContext<typeof EXPLAIN_FLAGS>, atMs: number): Promise<ExitCode> {
  const { options, env, cwd } = context;
  // before anything is read: an option that is wrong needs no token
  const settings = guardSettings(options, env, cwd);
  const given = await readToken(context);
  const output = createOutput({ ...withoutToken(context, given.token), env });
  const isVerifying = hasIssuer(settings.options) || options['jwks-file'] !== undefined;
  const itself = describeItself(given.token, atMs);
  const hint = isVerifying ? presetHint(settings.issuer, options.preset) : undefined;
  const notes = [
    ...given.notes,
    ...(settings.fromEnvironment.length > 0 ? [`Taken from the environment: ${settings.fromEnvironment.join(', ')}.`] : []),
    ...(hint ? [`${hint}.`] : []),
    ...(options.at === undefined ? [] : [`Checked as if it were ${new Date(atMs).toISOString()}.`]),
    ...notesOn(itself, isVerifying, settings.options.decryptionKeys !== undefined),
  ];
  if (!isVerifying) {
    if (options.json) output.json({ verdict: 'unverified', says: saysOf(itself), problems: itself.problems, notes });
    else reportItself(output, itself, notes);
    return EXIT_CODES.found;
  }
  const wanted = { scopes: options.scope, roles: options.role, atMs };
  const diagnosis = await output.during(
    'fetching the keys of the issuer',
    quietly(() => diagnose(settings.options, given, wanted)),
  );
  if (itself.isBound || diagnosis.isBound) notes.push(NEEDS_PROOF);
  if (options.json) output.json({ verdict: diagnosis.verdict, steps: diagnosis.steps, says: saysOf(itself), notes });
  else reportDiagnosis(output, diagnosis, itself, notes);
  return EXIT_OF[diagnosis.verdict];
}

const EXIT_OF = {
  accepted: EXIT_CODES.good,
  'proof-unchecked': EXIT_CODES.found,
  refused: EXIT_CODES.found,
  unknown: EXIT_CODES.couldNotRun,
} as const satisfies Record<Diagnosis['verdict'], ExitCode>;

function saysOf({ rows }: SelfDescription): object {
  return Object.fromEntries(rows);
}

function notesOn({ form }: SelfDescription, isVerifying: boolean, isDecrypting: boolean): readonly string[] {
  if (form === 'opaque') {
    return [
      'Only the issuer can say what an opaque token is (introspection), and this command sends the token to nobody. A refresh token is often opaque, too: check that the client sends access_token. tokenward doctor shows whether the issuer has an introspection endpoint.',
    ];
  }
  if (form === 'encrypted' && !(isVerifying && isDecrypting)) {
    return [
      `Only an API with the private key can read an encrypted token. With its issuer and a file with the key, this command can, too: --option 'decryptionKeys={"file":"key.pem"}'.`,
    ];
  }
  return [];
}

const NEEDS_PROOF =
  'The token is bound to its sender, so each request needs a proof of possession. Whether that is right can only be checked with a request: send one to the API, and read there why it was refused.';

/** A guard warns about an outage unless somebody listens. Here the result says it. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const listen = (): void => {};
  subscribe('tokenward:keys-failed', listen);
  try {
    return await work();
  } finally {
    unsubscribe('tokenward:keys-failed', listen);
  }
}
