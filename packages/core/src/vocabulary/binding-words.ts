/** Why a token is not bound to its sender as it must be: the causes of `unbound_token`. What helps depends on them. */
export const UNBOUND = {
  scheme: 'it came by the scheme DPoP, and has no cnf with jkt',
  any: 'senderConstraint demands a bound token',
  anyWithoutDpop: 'senderConstraint demands a bound token, and the option dpop is false',
  dpop: 'senderConstraint demands a cnf with jkt',
  mtls: 'senderConstraint demands a cnf with x5t#S256',
} as const;

/** Who did not authorise the right certificate: the causes of `wrong_certificate`, if there is one. */
export const UNAUTHORIZED = {
  server: 'the TLS server did not authorise it',
  function: 'getCertificate returned it with authorized: false',
} as const;
