/**
 * Whether `NODE_ENV` says that this is production. Upper case and blanks do not count: `set NODE_ENV=production && node app.js` on Windows sets it with a blank at
 * the end.
 */
export function isProduction(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return env['NODE_ENV']?.trim().toLowerCase() === 'production';
}
