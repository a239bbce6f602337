import type { OptionSpecs } from '../command.js';
import { GUARD_FLAGS } from '../guard-options.js';

/** The options of `tokenward explain`. */
export const EXPLAIN_FLAGS = {
  ...GUARD_FLAGS,
  scope: { type: 'string', value: 'NAME', multiple: true, summary: 'A scope that the route needs' },
  role: { type: 'string', value: 'NAME', multiple: true, summary: 'A role that the route needs' },
  at: { type: 'string', value: 'TIME', summary: 'Check as if it were this time: 2026-01-31T12:00:00Z, or seconds since 1970' },
  json: { type: 'boolean', summary: 'Print the result as JSON' },
} as const satisfies OptionSpecs;
