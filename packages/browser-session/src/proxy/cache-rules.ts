import { isCacheField, isSharedCacheField } from '@tokenward/core/adapter';
import { CSRF_HEADER } from '../csrf.js';

/** A directive that says that an answer is for everybody. */
const FOR_ALL = /^(?:public$|s-maxage=)/;
/** A directive that keeps an answer out of shared caches. With a value, it concerns only the fields that the value names. */
const KEPT_OUT = /^(?:private|no-store)$/;

/**
 * Adapts the cache headers of an API's answer to the browser's request. The API has seen `Authorization`, so no shared cache would store its answer (RFC 9111
 * s3.5). The browser's request has only a cookie, which caches ignore. So the answer becomes `private`, unless the API says that it is for everybody: with
 * `public` or `s-maxage`. `must-revalidate` does not say so, since most APIs send it for other reasons. The browser's own cache may serve two users one
 * after the other, so the answer varies by the cookie. It must not serve another site an answer that was stored for the app's own pages, so the answer varies
 * by the custom header, too.
 */
export function keepPrivate(headers: Headers): void {
  const control = headers.get('cache-control') ?? '';
  const varying = namesIn(headers.get('vary'));
  // the answer is for requests with the same `Authorization`, and no browser's request here has one: caches would serve it to every user
  const isPerUser = varying.includes('authorization');
  if (!isPerUser && says(control, FOR_ALL)) return;
  deleteFrom(headers, (name, value) => isSharedCacheField(name) && (isPerUser || !says(value, FOR_ALL)));
  // first, since a text in quotes may have no end
  if (!says(control, KEPT_OUT)) headers.set('cache-control', control === '' ? 'private' : `private, ${control}`);
  if (says(control, /^no-store$/) || varying.includes('*')) return;
  for (const name of ['cookie', CSRF_HEADER]) if (!varying.includes(name)) headers.append('vary', name);
}

/** Forbids all caches to store an answer. */
export function keepNowhere(headers: Headers): void {
  deleteFrom(headers, isCacheField);
  headers.set('cache-control', 'no-store');
}

/** Whether a field has a directive. Texts in quotes, which may contain commas, are not directives. */
function says(field: string, directive: RegExp): boolean {
  return namesIn(field.replace(/"(?:[^"\\]|\\.)*"?/g, '""')).some((one) => directive.test(one));
}

function namesIn(field: string | null): readonly string[] {
  return (field ?? '').split(',').map((name) => name.trim().toLowerCase());
}

function deleteFrom(headers: Headers, isWrong: (name: string, value: string) => boolean): void {
  const wrong = [...headers].filter(([name, value]) => isWrong(name, value));
  for (const [name] of wrong) headers.delete(name);
}
