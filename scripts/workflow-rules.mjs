import { LineCounter, parseDocument } from 'yaml';

const PINNED = /^[\w.-]+\/[\w.-]+(?:\/[\w.-]+)*@[0-9a-f]{40}$/;
const LOCAL = /^\.\/\.github\/workflows\/[\w-]+\.yml$/;
/** What a job that may act as us at npm is made of: these actions, and a shell with these commands. */
const ACTIONS_BESIDE_ID_TOKEN = new Set(['actions/setup-node', 'actions/download-artifact']);
const COMMANDS_BESIDE_ID_TOKEN = ['npm view', 'npm publish', 'echo', 'continue', 'read', '['];
const SHELL_WORDS = /^(?:if|then|elif|else|fi|while|until|do|done|!)$/;
const REDIRECTION = /^\d?[<>]+[\w./&-]+$/;
/** Events that give strangers' code, or strangers' texts, to a workflow that has secrets. */
const DANGEROUS_EVENTS = new Set(['pull_request_target', 'workflow_run', 'issue_comment', 'issues']);

/** What a workflow file does that ours must not: a list of sentences, each with the job that it is about. */
export function workflowFaults(text) {
  const document = parseDocument(text, { lineCounter: new LineCounter() });
  if (document.errors.length > 0) return document.errors.map(({ message }) => message);
  const { on, permissions, jobs } = document.toJS();
  const events = typeof on === 'string' ? [on] : Object.keys(on ?? {});
  return [
    ...events.filter((name) => DANGEROUS_EVENTS.has(name)).map((name) => `runs on ${name}`),
    ...(isEmpty(permissions) ? [] : ['permissions of the whole workflow must be {}: each job names its own']),
    ...Object.entries(jobs ?? {}).flatMap(([name, job]) => jobFaults(job).map((fault) => `${name}: ${fault}`)),
    ...versionFaults(text),
  ];
}

function jobFaults(job) {
  const steps = job.steps ?? [];
  const permissions = job.permissions;
  return [
    ...(permissions && typeof permissions === 'object' ? [] : ['permissions must be listed']),
    ...(job.uses || job['timeout-minutes'] ? [] : ['has no timeout-minutes']),
    ...(job.secrets === 'inherit' ? ['hands all secrets on'] : []),
    ...[job.uses, ...steps.map(({ uses }) => uses)]
      .filter((uses) => uses && !PINNED.test(uses) && !LOCAL.test(uses))
      .map((uses) => `${uses} is not pinned by a full commit hash`),
    ...steps.flatMap(stepFaults),
    ...(permissions?.['id-token'] === 'write' ? idTokenFaults(job) : []),
  ];
}

function stepFaults({ uses = '', run = '', with: inputs = {} }) {
  return [
    ...(uses.startsWith('actions/checkout@') && inputs['persist-credentials'] !== false ? ['checkout leaves credentials in the working tree'] : []),
    ...(uses.startsWith('actions/setup-node@') && inputs['package-manager-cache'] !== false ? ['setup-node shares a cache with other branches'] : []),
    // what an expression expands to is code to the shell
    ...(run.includes('${{') ? ['a script has an expression in it: hand it over by env'] : []),
  ];
}

/** A job that may publish runs no code of a checkout, of a build or of a dependency, and may do nothing else. */
function idTokenFaults({ permissions, steps = [], uses, env, container, services }) {
  const more = Object.keys(permissions).filter((name) => name !== 'id-token');
  const actions = steps.flatMap(({ uses: action }) => (action ? [action.split('@')[0]] : []));
  const commands = steps.flatMap(({ run }) => (run ? commandsOf(run) : []));
  return [
    ...(more.length > 0 ? [`has id-token, and ${more.join(', ')} as well`] : []),
    ...(uses ? ['has id-token, and hands it to another workflow'] : []),
    ...(container || services ? ['has id-token, and runs in an image'] : []),
    ...(env ? ['has id-token, and an environment for all steps'] : []),
    ...actions.filter((action) => !ACTIONS_BESIDE_ID_TOKEN.has(action)).map((action) => `has id-token, and uses ${action}`),
    ...commands
      .filter((command) => !COMMANDS_BESIDE_ID_TOKEN.some((allowed) => command === allowed || command.startsWith(`${allowed} `)))
      .map((command) => `has id-token, and runs ${command}`),
  ];
}

/** The commands of a shell script, those in substitutions too. Quotes are not understood: what is in them counts as a command. */
function commandsOf(script) {
  return script
    .replaceAll(/\\\n/g, ' ')
    .split(/\n|;|&&|\|\|?|\$\(|`|<\(|>\(/)
    .map((part) =>
      part
        .trim()
        .split(/\s+/)
        .filter((word) => !REDIRECTION.test(word)),
    )
    .map((words) => words.slice(words.findIndex((word) => !SHELL_WORDS.test(word))))
    .filter((words) => words[0] && !SHELL_WORDS.test(words[0]))
    .map((words) => words.join(' '));
}

/** A hash says nothing to a reader: its version stands behind it. */
function versionFaults(text) {
  return text
    .split('\n')
    .filter((line) => /\buses:.*@[0-9a-f]{40}/.test(line) && !/@[0-9a-f]{40} # v\d+\.\d+\.\d+\b/.test(line))
    .map((line) => `${line.trim()} does not say its version`);
}

function isEmpty(value) {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
