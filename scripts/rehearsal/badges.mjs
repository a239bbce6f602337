import { RELEASE_STATUS } from '../release/release-status.mjs';

const IMAGE = /!\[[^\]]*\]\(([^)]*)\)/g;

/** Returns how the badges of a published README differ from what its package.json says. */
export function badgeProblems(readme, { name, license, engines }, isProven) {
  const [, status = ''] = RELEASE_STATUS.exec(readme) ?? [];
  const stated = [...status.matchAll(IMAGE)].map(([, address]) => factOf(address));
  const expected = [`npm: ${name}`, `node: ${engines.node}`, `licence: ${license}`, ...(isProven ? ['provenance: built on GitHub'] : [])];
  return [
    ...expected.filter((fact) => !stated.includes(fact)).map((fact) => `no badge says "${fact}"`),
    ...stated.filter((fact) => !expected.includes(fact)).map((fact) => `a badge says "${fact}"`),
  ];
}

/** Returns what the badge at an address says: `node: >=22.12.0`. */
function factOf(address) {
  const { origin, pathname } = new URL(address);
  const [, version] = /^\/npm\/v\/(.+)$/.exec(pathname) ?? [];
  const [, fields] = /^\/badge\/(.+)-\w+$/.exec(pathname) ?? [];
  if (origin !== 'https://img.shields.io' || (version === undefined && fields === undefined)) return address;
  if (version !== undefined) return `npm: ${version}`;
  // a single hyphen separates fields, two stand for one hyphen
  return fields
    .split(/(?<!-)-(?!-)/)
    .map((field) => decodeURIComponent(field).replaceAll('--', '-').replaceAll('_', ' '))
    .join(': ');
}
