import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import type { FetchAccess, FetchLimits } from './fetch-json.js';

/**
 * Returns an access that also trusts the authorities that Node trusts. The servers of metadata and of the endpoint that it names may have certificates of
 * different authorities, and only some of them are in the options. Fetches that show a token trust nobody else.
 */
export function besideAuthoritiesOfNode(access: NonNullable<FetchLimits['access']>): NonNullable<FetchLimits['access']> {
  let kept: { readonly own: string; readonly tls: FetchAccess['tls'] } | undefined;
  return (url) => {
    const asked = access(url);
    if (!asked.tls || asked.request) return asked;
    const own = asked.tls.ca;
    if (kept?.own !== own) {
      const ca = [...authoritiesOfNode(), own].join('\n');
      // reading more than 100 certificates takes 20 ms and more, which an outage must not cost again and again
      kept = { own, tls: { ca, secureContext: tls.createSecureContext({ ca }) } };
    }
    return { tls: kept.tls };
  };
}

/** Returns the authorities that Node trusts by default, in PEM. */
function authoritiesOfNode(): readonly string[] {
  const { getCACertificates, rootCertificates = [] } = tls as Partial<typeof tls>;
  if (getCACertificates) return getCACertificates('default');
  // before Node 22.15
  try {
    return [...rootCertificates, readFileSync(process.env['NODE_EXTRA_CA_CERTS'] ?? '', 'utf8')];
  } catch {
    // Node, too, continues without a file that it cannot read
    return rootCertificates;
  }
}
