import { expectTypeOf, test } from 'vitest';
import type { ISSUER_OPTION_NAMES, IssuerOptions } from './issuer/issuer-options.js';
import type { GuardOptions, OPTION_NAMES } from './options.js';

test('no option of an issuer or of a guard is forgotten in the list of their names', () => {
  expectTypeOf<(typeof ISSUER_OPTION_NAMES)[number]>().toEqualTypeOf<keyof IssuerOptions>();
  expectTypeOf<(typeof OPTION_NAMES)[number]>().toEqualTypeOf<keyof GuardOptions>();
});
