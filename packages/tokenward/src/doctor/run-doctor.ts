import type { CommandContext } from '../command.js';
import { UsageError } from '../errors.js';
import { EXIT_CODES, type ExitCode } from '../exit-codes.js';
import { guardSettings, hasIssuer, type GuardSettings } from '../guard-options.js';
import { shownIssuer } from '../lib/harmless.js';
import type { Output } from '../output.js';
import { wrapped } from '../wrapped.js';
import { fail, note, type Check, type Verdict } from './check.js';
import { diagnoseIssuer, issuersOf } from './diagnose-issuer.js';
import { ISSUER_NAMES, readEnvFile } from './env-file.js';
import type { DOCTOR_FLAGS } from './flags.js';
import { checkNode } from './machine.js';
import { checkAudience, checkGuard, checkPreset, startGuard } from './set-up.js';
import { usableOptions } from './usable-options.js';

/** Runs `tokenward doctor`. */
export async function runDoctor(context: CommandContext<typeof DOCTOR_FLAGS>): Promise<ExitCode> {
  const { options, output, cwd } = context;
  const file = options['env-file'] === undefined ? undefined : readEnvFile(options['env-file'], cwd);
  const env = {
    ...context.env,
    ...(file?.issuer !== undefined && { ISSUER_BASE_URL: file.issuer }),
    ...(file?.audience !== undefined && { AUDIENCE: file.audience }),
  };
  const settings = guardSettings(options, env, cwd);
  if (!hasIssuer(settings.options)) {
    throw new UsageError(
      file
        ? `--env-file has no issuer in ${ISSUER_NAMES.join(', ')}. Add it there, or give --issuer`
        : '--issuer is missing: give the issuer of the API, or --env-file with ISSUER_BASE_URL',
    );
  }
  const checks = [checkNode(process.versions.node), ...(file?.checks ?? []), ...fromEnvironment(settings)];
  checks.push(...(await output.during('asking the issuer', checksOf(settings, context))));
  if (options.json) output.json({ ok: !checks.some(isFailure), issuer: settings.issuer && shownIssuer(settings.issuer), checks });
  else report(output, checks);
  return checks.some(isFailure) ? EXIT_CODES.found : EXIT_CODES.good;
}

async function checksOf({ issuer, options }: GuardSettings, context: CommandContext<typeof DOCTOR_FLAGS>): Promise<readonly Check[]> {
  const hasAudience = options.audience !== undefined || issuersOf(options)[0]?.audience !== undefined;
  // tries to start a guard even without an audience: another check reports that the audience is missing
  const started = startGuard(hasAudience || context.options.preset !== undefined ? options : { ...options, unsafeAcceptTokensForAnyAudience: true });
  const problems = 'problems' in started ? started.problems : [];
  const usable = usableOptions(options, problems);
  const checks = problems.map(({ path, message }) => fail('options', `${path} ${message}`, 'Correct this option.'));
  const issuers = issuersOf(usable);
  for (const one of issuers) {
    if (issuers.length > 1) checks.push(note('issuer', shownIssuer(one.issuer ?? 'unknown')));
    checks.push(...(await diagnoseIssuer(one, context)));
  }
  if (issuer !== undefined) checks.push(checkPreset(issuer, context.options.preset));
  const audiences = [usable.audience ?? issuers[0]?.audience ?? []].flat();
  if (audiences.length > 0 || !hasAudience) checks.push(...checkAudience(audiences, usable));
  if ('guard' in started) checks.push(await checkGuard(started.guard, issuers.length));
  return checks;
}

function fromEnvironment({ fromEnvironment: names }: GuardSettings): readonly Check[] {
  return names.length > 0 ? [note('environment', `${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} used`)] : [];
}

function isFailure({ verdict }: Check): boolean {
  return verdict === 'fail';
}

const MARKS: Readonly<Record<Verdict, string>> = { ok: 'ok', note: 'note', warn: 'WARN', fail: 'FAIL', skip: '-' };
const FIRST = 15;

function report(output: Output, checks: readonly Check[]): void {
  const { style, width } = output;
  const paint = { ok: style.green, note: style.cyan, warn: style.yellow, fail: style.red, skip: style.dim };
  const inner = Math.max(width - FIRST - 6, 20);
  for (const { check, verdict, detail, remedy } of checks) {
    for (const [at, line] of wrapped(detail, inner).entries()) {
      output.line(at === 0 ? `${paint[verdict](MARKS[verdict].padEnd(6))}${check.padEnd(FIRST)}${line}` : `${' '.repeat(FIRST + 6)}${line}`);
    }
    if (remedy !== undefined) for (const line of wrapped(`-> ${remedy}`, inner)) output.line(`${' '.repeat(FIRST + 6)}${line}`);
  }
  const count = (wanted: Verdict): number => checks.filter(({ verdict }) => verdict === wanted).length;
  output.line();
  output.line(`${count('fail')} failed, ${count('warn')} ${count('warn') === 1 ? 'warning' : 'warnings'}, ${count('ok')} ok`);
}
