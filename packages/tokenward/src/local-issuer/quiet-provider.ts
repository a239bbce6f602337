import { stripVTControlCharacters } from 'node:util';

/** What oidc-provider prints for those who deploy it. */
const NOTICE = /^oidc-provider (?:WARNING|NOTICE): /;

/**
 * Runs work, and leaves out what oidc-provider prints meanwhile: that it does not know the version of Node, or that something is for development only, as this
 * issuer is. Everything else is printed as usual.
 */
export async function withoutProviderNotices<T>(work: () => Promise<T>): Promise<T> {
  const { info, warn } = console;
  const filtered =
    (print: typeof warn): typeof warn =>
    (...given) =>
      void (NOTICE.test(stripVTControlCharacters(String(given[0]))) || print(...given));
  Object.assign(console, { info: filtered(info), warn: filtered(warn) });
  try {
    return await work();
  } finally {
    Object.assign(console, { info, warn });
  }
}
