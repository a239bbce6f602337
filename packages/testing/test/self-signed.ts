import { readFileSync } from 'node:fs';

/** Returns a self-signed certificate for 127.0.0.1 and its key. */
export function selfSigned(): { readonly key: Buffer; readonly cert: Buffer } {
  const [key, cert] = ['key', 'cert'].map((name) => readFileSync(new URL(`../../core/test/self-signed/${name}.pem`, import.meta.url)));
  return { key: key!, cert: cert! };
}
