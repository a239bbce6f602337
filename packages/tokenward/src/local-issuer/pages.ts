import { createHash } from 'node:crypto';
import type { LocalUser } from './users.js';

export interface LoginPage {
  /** The address that the forms are sent to. */
  readonly action: string;
  readonly clientName: string;
  readonly users: readonly LocalUser[];
  /** The user whose password was wrong. */
  readonly failed?: string | undefined;
}

/** Each user is a form with one button, so the page works by mouse, keyboard and screen reader, and without scripts. */
export function loginPage({ action, clientName, users, failed }: LoginPage): string {
  return page(
    'Log in',
    `<p>Choose who logs in to <strong>${escape(clientName)}</strong>.</p>
    ${failed === undefined ? '' : '<p class="failed" role="alert">The password is wrong.</p>'}
    <ul>
      ${users.map((user, at) => `<li>${formOf(user, at, action, failed)}</li>`).join('\n      ')}
    </ul>
    <form method="post" action="${escape(action)}"><button class="quiet" name="refuse" value="yes">Cancel the login</button></form>
    <p class="hint">This is a local issuer for development. Only apps on this machine can use it.</p>`,
  );
}

function formOf({ subject, name, roles, password }: LocalUser, at: number, action: string, failed: string | undefined): string {
  const about = [name === subject ? '' : subject, roles.join(', ')].filter(Boolean).join(' · ');
  const id = `password-${at}`;
  const field =
    password === undefined
      ? ''
      : `<label for="${id}">Password of ${escape(name)}</label><input id="${id}" name="password" type="password" autocomplete="off"${failed === subject ? ' autofocus' : ''} required>`;
  return `<form method="post" action="${escape(action)}">${field}<button name="subject" value="${escape(subject)}"><strong>${escape(name)}</strong>${about ? ` <span>${escape(about)}</span>` : ''}</button></form>`;
}

/** @param form the HTML form of oidc-provider, which the buttons submit */
export function logoutPage(form: string): string {
  return page(
    'Log out?',
    `<p>The next login will ask who you are.</p>
    ${form}
    <button form="op.logoutForm" name="logout" value="yes">Log out</button>
    <button form="op.logoutForm" class="quiet">Stay logged in</button>`,
  );
}

export interface StartPage {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly clientIds: readonly string[];
}

export function startPage({ issuer, audiences, clientIds }: StartPage): string {
  const code = (text: string): string => `<code>${escape(text)}</code>`;
  return page(
    'Local issuer',
    `<p>An authorization server for development. It runs until you press Ctrl+C in its terminal.</p>
    <dl>
      <dt>Issuer</dt><dd>${code(issuer)}</dd>
      <dt>Audience</dt><dd>${audiences.map(code).join(', ')}</dd>
      <dt>Clients</dt><dd>${clientIds.map(code).join(', ')}</dd>
      <dt>Redirect URIs</dt><dd>any on loopback</dd>
    </dl>
    <p><a href="/.well-known/openid-configuration">Metadata</a> · <a href="/jwks">Keys</a></p>
    <p class="hint">For a token: ${code('npx tokenward token --scope orders:read')}</p>`,
  );
}

export function messagePage(title: string, text: string): string {
  return page(title, `<p>${escape(text)}</p>`);
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #8a919b; --quiet: #565d66; --accent: #0b57b7; --bad: #a11212; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --paper: #16181c; --line: #7d848e; --quiet: #aab1ba; --accent: #8ab8ff; --bad: #ff9d94; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem 1rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 30rem; margin: 0 auto; }
h1 { font-size: 1.6rem; line-height: 1.2; }
ul { list-style: none; margin: 0; padding: 0; }
li { margin: 0 0 .75rem; }
label { display: block; color: var(--quiet); }
input { display: block; width: 100%; margin: .25rem 0 .5rem; padding: .6rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .4rem; }
button { display: block; width: 100%; min-height: 3rem; margin: 0 0 .5rem; padding: .6rem .9rem; font: inherit; text-align: left; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .4rem; cursor: pointer; overflow-wrap: anywhere; }
button:hover { border-color: var(--accent); }
button span, .hint, dt { color: var(--quiet); }
.quiet { color: var(--quiet); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.failed { color: var(--bad); }
a { color: var(--accent); }
dd { margin: 0 0 .75rem; overflow-wrap: anywhere; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
`;

/** A Content Security Policy that loads nothing, runs nothing, and lets nobody frame the page. */
export function pagePolicy(formTargets: readonly string[] = []): string {
  const style = createHash('sha256').update(STYLE).digest('base64');
  // browsers apply form-action to the redirects after a form, too; oidc-provider adds the hash of its own script to script-src, for form_post
  return `default-src 'none'; img-src data:; script-src; style-src 'sha256-${style}'; form-action ${["'self'", ...formTargets].join(' ')}; base-uri 'none'; frame-ancestors 'none'`;
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escape(title)}</title>
    <link rel="icon" href="data:,">
    <style>${STYLE}</style>
  </head>
  <body>
    <main>
    <h1>${escape(title)}</h1>
    ${body}
    </main>
  </body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
