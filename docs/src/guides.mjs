/** The guides by task, each task in the order in which a newcomer needs its pages. `astro.config.mjs` checks that every guide is here once. */
export const GUIDES = [
  {
    label: 'Protect routes',
    slugs: [
      'guides/set-up',
      'guides/protect-routes',
      'guides/public-routes',
      'guides/policies',
      'guides/roles-and-scopes',
      'guides/caller',
      'guides/typed-claims',
      'guides/route-parameters',
      'guides/custom-errors',
      'guides/cors',
      'guides/several-routers',
      'guides/upgrades',
      'guides/mcp',
      'guides/openapi',
      'guides/resource-metadata',
    ],
  },
  {
    label: 'Develop and test',
    slugs: ['guides/local-issuer', 'guides/local-development', 'guides/find-out-why', 'guides/testing', 'guides/attack-your-api'],
  },
  {
    label: 'Tokens and issuers',
    slugs: [
      'guides/several-issuers',
      'guides/keys',
      'guides/shared-secrets',
      'guides/introspection',
      'guides/encrypted-tokens',
      'guides/dpop',
      'guides/mtls',
      'guides/token-exchange',
    ],
  },
  {
    label: 'Log in, sign out, revoke',
    slugs: ['guides/browser-sessions', 'guides/session-option', 'guides/revocation'],
  },
  {
    label: 'Operate',
    slugs: [
      'operations/production-checklist',
      'guides/log-refusals',
      'operations/events',
      'operations/alerts',
      'guides/probes',
      'guides/behind-a-proxy',
      'guides/networks',
      'guides/stricter-options',
    ],
  },
];
