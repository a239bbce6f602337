import { defineCommand, type CommandContext } from '../command.js';
import { UsageError } from '../errors.js';
import { EXIT_CODES, type ExitCode } from '../exit-codes.js';
import { claimsOf } from '../lib/claim-options.js';
import { shownAddress } from '../lib/harmless.js';

const options = {
  issuer: {
    type: 'string',
    value: 'URL',
    summary:
      'The issuer of the tokens. If it is a local issuer of yours, it signs hostile tokens. Of others, only the public keys are fetched. Default: that of the piped token, one that the API names in its metadata, or the only local issuer that runs',
  },
  audience: { type: 'string', value: 'URI', summary: 'The audience of the API, at a local issuer. Default: its first one' },
  scope: { type: 'string', value: 'SCOPE', multiple: true, summary: 'A scope that the route requires, for tokens of a local issuer' },
  role: { type: 'string', value: 'ROLE', multiple: true, summary: 'A role that the route requires, for tokens of a local issuer' },
  subject: { type: 'string', value: 'NAME', summary: 'The user of the tokens of a local issuer' },
  claim: { type: 'string', value: 'NAME=JSON', multiple: true, summary: 'A claim that the route requires, for tokens of a local issuer' },
  rate: { type: 'string', value: 'NUMBER', summary: 'Requests per second, from 1 to 500. Default: 100' },
  strict: { type: 'boolean', summary: 'Exit with code 1 for every finding but UNCLEAR, not only for admitted tokens' },
  json: { type: 'boolean', summary: 'Print the result as JSON' },
} as const;

export const attackCommand = defineCommand({
  name: 'attack',
  summary: 'Try hostile tokens on an API on this machine',
  usage: '<url> [options] [< token]',
  description:
    'Sends a few hundred hostile tokens to one route, by GET and POST, and shows what it admitted, what it failed at, and what it refused in a wrong way. Run it against your own server in development: a route that admits a request does its work.\nOnly servers on this machine are attacked: every address of the host must be loopback, redirects are not followed, and proxies are not used.\nWith a running local issuer (tokenward issuer), the issuer signs the hostile tokens. Without one, pipe a valid token into the command: the hostile ones are made of it.',
  positionals: [{ name: 'url', summary: 'a route that requires a token, such as http://localhost:3000/me' }],
  options,
  examples: [
    'tokenward attack http://localhost:3000/me',
    'tokenward attack http://localhost:3000/orders --scope orders:read',
    'tokenward attack http://localhost:3000/me --issuer https://login.example.com < token',
  ],
  exitCodes: {
    0: 'no hostile token was admitted',
    1: 'a hostile token was admitted, or the server answers no longer; with --strict also another finding',
    2: 'the command was used wrongly, has no token to begin with, or the URL is not on this machine',
    3: 'the result would mean nothing: no server, an open route, or one that refuses the valid token; a local issuer does not answer, or refuses; or nothing was found, but requests were not tried or got no answer, or the valid token was refused afterwards',
  },
  run,
});

const MAX_REQUESTS = 1000;
/** In addition to the time that the requests take at the rate that was set. */
const MAX_SECONDS_MORE = 120;

async function run(context: CommandContext<typeof options>): Promise<ExitCode> {
  const { output } = context;
  const given = context.options;
  const requestsPerSecond = rateOf(given.rate);
  const { target, valid, baseline, attack } = await output.during('preparing the attack', getReady(context));
  const [{ runAttack }, { exchange }, { printReport, reportOf }] = await Promise.all([
    import('../attack/run-attack.js'),
    import('../attack/exchange.js'),
    import('../attack/report.js'),
  ]);
  try {
    const maxSeconds = attack.cases.length / requestsPerSecond + MAX_SECONDS_MORE;
    const limits = { requestsPerSecond, maxRequests: MAX_REQUESTS, maxSeconds };
    const result = await output.during('attacking', runAttack(target, valid, attack.cases, exchange, limits));
    const { table, notes } = attack;
    const report = reportOf(result, {
      target: shownAddress(target.url.href),
      address: target.address,
      baseline,
      table,
      notes,
      fetchedKeys: attack.fetchedKeys(),
    });
    if (given.json) output.json(report);
    else printReport(report, output);
    const { counts, isDown, untried, unanswered, admitsAfterwards, fetchedKeys } = report;
    const isFound = counts.admitted > 0 || isDown || (given.strict && counts.crashed + counts.lenient + counts.wrong + fetchedKeys > 0);
    if (isFound) return EXIT_CODES.found;
    // the server may admit what was not tried or not answered, or what it refused only because it refused everything
    return untried + unanswered > 0 || !admitsAfterwards ? EXIT_CODES.couldNotRun : EXIT_CODES.good;
  } finally {
    await attack.close();
  }
}

/** Finds the server, a valid token and the hostile requests. Loading the code takes a while, too. */
async function getReady({ env, stdin, positionals, options: given }: CommandContext<typeof options>) {
  const claims = claimsOf(given.claim);
  const [{ readTargets }, { exchange }, { firstThatAnswers, namedIssuers }, { prepare }, { checkBaseline }] = await Promise.all([
    import('../attack/target.js'),
    import('../attack/exchange.js'),
    import('../attack/server.js'),
    import('../attack/prepare.js'),
    import('../attack/run-attack.js'),
  ]);
  const targets = await readTargets(positionals[0]!);
  const server = await firstThatAnswers(targets, exchange);
  const { target } = server;
  const named = given.issuer === undefined ? await namedIssuers(server, exchange) : [];
  const wanted = { subject: given.subject, audience: given.audience, scopes: given.scope, roles: given.role, claims };
  const { token: valid, collect } = await prepare({ env, stdin, issuer: given.issuer, named, wanted });
  const baseline = await checkBaseline(target, valid, exchange);
  return { target, valid, baseline, attack: await collect() };
}

function rateOf(text: string | undefined): number {
  if (text === undefined) return 100;
  const rate = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (rate < 1 || rate > 500) throw new UsageError('--rate must be a number from 1 to 500');
  return rate;
}
