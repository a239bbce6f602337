import { LineCounter, parseDocument } from 'yaml';

const PINNED = /^[\w.-]+\/[\w.-]+(?:\/[\w.-]+)*@[0-9a-f]{40}$/;
const LOCAL = /^\.\/\.github\/workflows\/[\w-]+\.yml$/;
/** A job that may publish to npm may use only these actions, and a shell with these commands. */
const ACTIONS_WITH_ID_TOKEN = new Set(['actions/setup-node', 'actions/download-artifact']);
const COMMANDS_WITH_ID_TOKEN = ['npm view', 'npm publish', 'echo', 'continue', 'read', '['];
const SHELL_WORDS = /^(?:if|then|elif|else|fi|while|until|do|done|!)$/;
const REDIRECTION = /^\d?[<>]+[\w./&-]+$/;
/** Events that pass untrusted code or texts to a workflow with secrets. */
const DANGEROUS_EVENTS = new Set(['pull_request_target', 'workflow_run', 'issue_comment', 'issues']);

/** Returns what is wrong with a workflow file, one sentence each, with the job that it is about. */
export function workflowProblems(text) {
  const document = parseDocument(text, { lineCounter: new LineCounter() });
  if (document.errors.length > 0) return document.errors.map(({ message }) => message);
  const { on, permissions, jobs } = document.toJS();
  const events = typeof on === 'string' ? [on] : Object.keys(on ?? {});
  return [
    ...events.filter((name) => DANGEROUS_EVENTS.has(name)).map((name) => `runs on ${name}`),
    ...(isEmpty(permissions) ? [] : ['permissions of the whole workflow must be {}: each job names its own']),
    ...Object.entries(jobs ?? {}).flatMap(([name, job]) => jobProblems(job).map((problem) => `${name}: ${problem}`)),
    ...versionProblems(text),
  ];
}

function jobProblems(job) {
  const steps = job.steps ?? [];
  const permissions = job.permissions;
  return [
    ...(permissions && typeof permissions === 'object' ? [] : ['permissions must be listed']),
    ...(job.uses || job['timeout-minutes'] ? [] : ['has no timeout-minutes']),
    ...(job.secrets === 'inherit' ? ['passes on all secrets'] : []),
    ...[job.uses, ...steps.map(({ uses }) => uses)]
      .filter((uses) => uses && !PINNED.test(uses) && !LOCAL.test(uses))
      .map((uses) => `${uses} is not pinned by a full commit hash`),
    ...steps.flatMap(stepProblems),
    ...(permissions?.['id-token'] === 'write' ? idTokenProblems(job) : []),
  ];
}

function stepProblems({ uses = '', run = '', with: inputs = {} }) {
  return [
    ...(uses.startsWith('actions/checkout@') && inputs['persist-credentials'] !== false ? ['checkout leaves credentials in the working tree'] : []),
    ...(uses.startsWith('actions/setup-node@') && inputs['package-manager-cache'] !== false ? ['setup-node shares a cache with other branches'] : []),
    // the shell would run the text of the expression as code
    ...(run.includes('${{') ? ['a script has an expression: pass it by env'] : []),
  ];
}

/** Checks that a job that may publish runs no code of a checkout, a build or a dependency, and has no other permission. */
function idTokenProblems({ permissions, steps = [], uses, env, container, services }) {
  const more = Object.keys(permissions).filter((name) => name !== 'id-token');
  const actions = steps.flatMap(({ uses: action }) => (action ? [action.split('@')[0]] : []));
  const commands = steps.flatMap(({ run }) => (run ? commandsOf(run) : []));
  return [
    ...(more.length > 0 ? [`has id-token, and ${more.join(', ')} as well`] : []),
    ...(uses ? ['has id-token, and passes it to another workflow'] : []),
    ...(container || services ? ['has id-token, and runs in a container'] : []),
    ...(env ? ['has id-token, and an environment for all steps'] : []),
    ...actions.filter((action) => !ACTIONS_WITH_ID_TOKEN.has(action)).map((action) => `has id-token, and uses ${action}`),
    ...commands
      .filter((command) => !COMMANDS_WITH_ID_TOKEN.some((allowed) => command === allowed || command.startsWith(`${allowed} `)))
      .map((command) => `has id-token, and runs ${command}`),
  ];
}

/** Returns the commands of a shell script, including those in substitutions. Quotes are ignored, so quoted text counts as commands too. */
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

/** Checks that a comment names the version of each commit hash. */
function versionProblems(text) {
  return text
    .split('\n')
    .filter((line) => /\buses:.*@[0-9a-f]{40}/.test(line) && !/@[0-9a-f]{40} # v\d+\.\d+\.\d+\b/.test(line))
    .map((line) => `${line.trim()} has no comment with its version`);
}

function isEmpty(value) {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
