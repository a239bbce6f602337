/** A parsed challenge of a `WWW-Authenticate` field (RFC 9110 s11.6.1). */
export interface ReceivedChallenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** token [ BWS "=" BWS quoted-string ], the form of auth-params in RFC 9110 s11.2. Nothing else is accepted. */
const PARAMETER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)="((?:[\t !#-[\]-~]|\\[\t -~])*)"/;

/**
 * Parses a field line with one challenge. It accepts quoted values only, and each parameter once.
 *
 * @throws Error that says where the line is malformed
 */
export function parseChallenge(line: string): ReceivedChallenge {
  const scheme = /^[A-Za-z]+/.exec(line)?.[0];
  if (scheme === undefined) throw new Error(`no auth-scheme: ${line}`);
  const parameters: Record<string, string> = Object.create(null) as Record<string, string>;
  let rest = line.slice(scheme.length);
  for (let separator = ' '; rest !== ''; separator = ', ') {
    const match = rest.startsWith(separator) ? PARAMETER.exec(rest.slice(separator.length)) : null;
    if (!match) throw new Error(`no auth-param at "${rest}"`);
    const [whole, name, value] = match as unknown as [string, string, string];
    if (name in parameters) throw new Error(`"${name}" is duplicated: ${line}`);
    parameters[name] = value.replaceAll(/\\(.)/g, '$1');
    rest = rest.slice(separator.length + whole.length);
  }
  return { scheme, parameters };
}
