import type { OptionSpecs } from '../command.js';
import { GUARD_FLAGS } from '../guard-options.js';

/** The options of `tokenward doctor`. */
export const DOCTOR_FLAGS = {
  ...GUARD_FLAGS,
  'env-file': { type: 'string', value: 'FILE', summary: 'Take issuer and audience from a file of environment variables' },
  json: { type: 'boolean', summary: 'Print the result as JSON' },
} as const satisfies OptionSpecs;
