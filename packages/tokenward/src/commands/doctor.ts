import { defineCommand } from '../command.js';
import { DOCTOR_FLAGS } from '../doctor/flags.js';

/** `tokenward doctor`: is everything between this machine and the issuer as it must be? */
export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Check the set-up of an issuer, from this machine',
  usage: '[options]',
  description: [
    'Checks Node, name server, TLS, proxies, the metadata and the keys of the issuer, the clocks, and the options of the guard. Each check is a line, with a remedy.',
    'Run it where the API runs: in its container, with its environment. It sends GET requests for the metadata and the keys, and nothing else.',
  ].join('\n'),
  options: DOCTOR_FLAGS,
  exitCodes: { 0: 'no check failed, though some may warn', 1: 'a check failed' },
  examples: [
    'tokenward doctor --issuer https://login.example.com --audience https://api.example.com',
    'tokenward doctor --env-file .env --json',
    'tokenward doctor --preset keycloak --issuer https://sso.example.com/realms/shop --audience orders-api',
  ],
  async run(context) {
    const { runDoctor } = await import('../doctor/run-doctor.js');
    return runDoctor(context);
  },
});
