/** Why a header with the certificate of a client did not count. */
export type IgnoredCertificate = 'untrusted_peer' | 'duplicate' | 'malformed' | 'other_spelling';
