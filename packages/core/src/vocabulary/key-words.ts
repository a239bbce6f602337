/**
 * Where keys come from: the issuer, or a file that an option of the guard names. The file with the bearer token for introspection is among them, since it is
 * watched and reported in the same way.
 */
export type KeyOrigin = 'issuer' | KeyFileOption;

/** The options of an issuer that name a file which is read again when it changes. */
export type KeyFileOption = 'jwksFile' | 'sharedSecretsFile' | 'introspection.bearerTokenFile';
