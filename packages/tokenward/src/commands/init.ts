import { defineCommand } from '../command.js';
import { INIT_FLAGS } from '../init/flags.js';

/** `tokenward init`: write the guard into an app that exists. */
export const init = defineCommand({
  name: 'init',
  summary: 'Write the guard into an Express, Fastify, Koa, NestJS or Hono app',
  usage: '[options]',
  description: [
    'Run it in the folder of the app. It finds the framework in package.json and the file that creates the app, shows the change, and asks before it writes.',
    'Where it is not sure, it changes nothing and prints the lines to add. It changes one file, follows no symbolic link, and installs nothing.',
  ].join('\n'),
  options: INIT_FLAGS,
  exitCodes: { 0: 'the guard is in the app', 1: 'nothing was written: add the lines yourself, or confirm the change' },
  examples: ['tokenward init', 'tokenward init --yes --issuer https://login.example.com --audience https://api.example.com'],
  async run(context) {
    const { runInit } = await import('../init/run-init.js');
    return runInit(context);
  },
});
