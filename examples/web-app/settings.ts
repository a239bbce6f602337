/** What the environment says. */
export interface Settings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The API's identifier: the audience of the access tokens. */
  readonly audience: string;
  /** Where browsers find this app. */
  readonly origin: string;
  readonly port: number;
  /** The first encrypts cookies, all decrypt. */
  readonly secrets: readonly string[];
  readonly mode: 'bff' | 'token-mediating';
  /** undefined: sessions are in encrypted cookies. */
  readonly redisUrl: string | undefined;
}

/** A setting that is missing or wrong. Its message is shown without a stack. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** @throws SettingsError that names the settings that are missing or wrong */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const required = ['ISSUER_BASE_URL', 'CLIENT_ID', 'CLIENT_SECRET', 'AUDIENCE', 'ORIGIN', 'SESSION_SECRET'] as const;
  const missing = required.filter((name) => !environment[name]);
  if (missing.length > 0) throw new SettingsError(`${missing.join(', ')} must be set. README.md says to what.`);
  const [issuer = '', clientId = '', clientSecret = '', audience = '', origin = '', secrets = ''] = required.map((name) => environment[name]);
  const { PORT: port = '3000', SESSION_MODE: mode = 'bff', REDIS_URL: redisUrl } = environment;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new SettingsError(`PORT must be a number from 0 to 65535 (got ${JSON.stringify(port)}).`);
  if (mode !== 'bff' && mode !== 'token-mediating') throw new SettingsError(`SESSION_MODE must be bff or token-mediating (got ${JSON.stringify(mode)}).`);
  return { issuer, clientId, clientSecret, audience, origin, port: Number(port), secrets: secrets.split(','), mode, redisUrl: redisUrl || undefined };
}
