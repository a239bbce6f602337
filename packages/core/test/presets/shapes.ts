import type { GuardOptions } from '@tokenward/core';
import * as presets from '@tokenward/core/presets';
import { given, now, times, type Shape } from './provider-tokens.js';

export type PresetName = Exclude<keyof typeof presets, 'PresetOptions' | 'PresetResult'>;

/** A preset with typical options, and a token as the provider documents it. */
export interface Provider {
  readonly options: (more?: object) => GuardOptions;
  readonly token: Shape;
}

const AUDIENCE = 'https://api.example.com';
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const API = '6e74172b-be56-4843-9ff4-e66a39bb12e3';
const CLIENT = '75dbe77f-10a3-4e59-85fd-8c127544f17c';
const CLOUD_ACCOUNT = '104029292853099978293';

/** The trust bundle of a SPIFFE trust domain with the keys of the test. */
const bundle = { keys: given.jwks.keys.map((key) => ({ ...key, use: 'jwt-svid' })) };

export const providers: Readonly<Record<PresetName, Provider>> = {
  auth0: {
    options: (more) => presets.auth0({ domain: 'example.eu.auth0.com', audience: AUDIENCE, ...more }),
    // https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
    token: {
      claims: {
        iss: 'https://example.eu.auth0.com/',
        sub: 'auth0|65f1c0ffee',
        aud: [AUDIENCE, 'https://example.eu.auth0.com/userinfo'],
        ...times,
        azp: 'my_client_id',
        scope: 'openid profile read:orders',
        permissions: ['read:orders'],
      },
    },
  },
  authentik: {
    options: (more) => presets.authentik({ url: 'https://auth.example.com', application: 'orders', audience: 'wFOcvKzBZLYcmqVmbQoZ', ...more }),
    // https://docs.goauthentik.io/add-secure-apps/providers/oauth2/ and authentik/providers/oauth2/id_token.py
    token: {
      claims: {
        iss: 'https://auth.example.com/application/o/orders/',
        sub: '2d3f6c9a2f5b4c1e8d7a6b5c4d3e2f1a',
        aud: 'wFOcvKzBZLYcmqVmbQoZ',
        ...times,
        auth_time: now - 60,
        acr: 'goauthentik.io/providers/oauth2/default',
        amr: ['pwd', 'mfa'],
        sid: 'c0ffee',
        email: 'ada@example.com',
        preferred_username: 'ada',
        groups: ['clerks'],
        entitlements: ['refunds'],
        azp: 'wFOcvKzBZLYcmqVmbQoZ',
        uid: 'kJ3m9zQ7vX1nR5tY8wB2cD4fG6hL0pS',
      },
    },
  },
  azureAdB2c: {
    options: (more) => presets.azureAdB2c({ tenantName: 'contoso', tenantId: TENANT, policies: ['B2C_1_signin', 'B2C_1_edit'], audience: API, ...more }),
    // https://learn.microsoft.com/azure/active-directory-b2c/tokens-overview
    token: {
      claims: {
        iss: `https://contoso.b2clogin.com/${TENANT}/v2.0/`,
        ...times,
        nbf: now - 10,
        aud: API,
        sub: '884408e1-2918-4cz0-b12d-3aa027d7563b',
        oid: '884408e1-2918-4cz0-b12d-3aa027d7563b',
        tfp: 'B2C_1_signin',
        nonce: 'defaultNonce',
        scp: 'orders.read',
        azp: CLIENT,
        ver: '1.0',
      },
    },
  },
  clerk: {
    options: (more) => presets.clerk({ domain: 'clerk.example.com', authorizedParties: ['https://app.example.com'], ...more }),
    // https://clerk.com/docs/guides/sessions/session-tokens
    token: {
      claims: {
        azp: 'https://app.example.com',
        ...times,
        nbf: now - 20,
        iss: 'https://clerk.example.com',
        fva: [7, -1],
        jti: '1234567890',
        sid: 'sess_123',
        sub: 'user_123',
        v: 2,
        pla: 'u:free,o:pro',
        fea: 'o:dashboard,u:search,uo:impersonation',
        sts: 'active',
        o: { id: 'org_123', slg: 'org-slug', rol: 'admin', per: 'read,manage', fpm: '3,2' },
      },
    },
  },
  cognito: {
    options: (more) => presets.cognito({ region: 'us-west-2', userPoolId: 'us-west-2_example', clientIds: ['57cbishk4j24pabc1234567890'], ...more }),
    token: {
      header: {},
      claims: {
        sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
        'cognito:groups': ['admin'],
        token_use: 'access',
        scope: 'aws.cognito.signin.user.admin',
        auth_time: now - 10,
        iss: 'https://cognito-idp.us-west-2.amazonaws.com/us-west-2_example',
        ...times,
        jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
        client_id: '57cbishk4j24pabc1234567890',
        username: 'janedoe@example.com',
      },
    },
  },
  entraExternalId: {
    options: (more) => presets.entraExternalId({ tenantId: TENANT, audience: API, ...more }),
    // https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    token: {
      claims: {
        aud: API,
        iss: `https://${TENANT}.ciamlogin.com/${TENANT}/v2.0`,
        ...times,
        nbf: now - 10,
        azp: CLIENT,
        azpacr: '0',
        oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
        scp: 'Orders.Read',
        roles: ['Clerk'],
        sub: 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ',
        tid: TENANT,
        ver: '2.0',
      },
    },
  },
  entraId: {
    options: (more) => presets.entraId({ tenantId: TENANT, audience: API, ...more }),
    token: {
      claims: {
        aud: API,
        iss: `https://login.microsoftonline.com/${TENANT}/v2.0`,
        ...times,
        nbf: now - 10,
        azp: CLIENT,
        azpacr: '0',
        oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
        scp: 'access_as_user',
        sub: 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ',
        tid: TENANT,
        ver: '2.0',
      },
    },
  },
  firebase: {
    options: (more) => presets.firebase({ projectId: 'shop-1a2b3', ...more }),
    // https://firebase.google.com/docs/auth/admin/verify-id-tokens
    token: {
      claims: {
        iss: 'https://securetoken.google.com/shop-1a2b3',
        aud: 'shop-1a2b3',
        auth_time: now - 60,
        user_id: 'GZ5Uk6N3xYQ2JkP9',
        sub: 'GZ5Uk6N3xYQ2JkP9',
        ...times,
        email: 'ada@example.com',
        email_verified: true,
        roles: ['clerk'],
        firebase: { identities: { email: ['ada@example.com'] }, sign_in_provider: 'password' },
      },
    },
  },
  githubActions: {
    options: (more) => presets.githubActions({ audience: AUDIENCE, repositories: ['octo-org/octo-repo'], ...more }),
    // https://docs.github.com/en/actions/concepts/security/openid-connect
    token: {
      claims: {
        jti: 'example-id',
        sub: 'repo:octo-org/octo-repo:environment:prod',
        environment: 'prod',
        aud: AUDIENCE,
        ref: 'refs/heads/main',
        sha: 'example-sha',
        repository: 'octo-org/octo-repo',
        repository_owner: 'octo-org',
        actor_id: '12',
        repository_visibility: 'private',
        repository_id: '74',
        repository_owner_id: '65',
        run_id: 'example-run-id',
        run_number: '10',
        run_attempt: '2',
        runner_environment: 'github-hosted',
        actor: 'octocat',
        workflow: 'example-workflow',
        head_ref: '',
        base_ref: '',
        event_name: 'workflow_dispatch',
        ref_type: 'branch',
        job_workflow_ref: 'octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main',
        iss: 'https://token.actions.githubusercontent.com',
        nbf: now - 300,
        ...times,
      },
    },
  },
  gitlabCi: {
    options: (more) => presets.gitlabCi({ audience: AUDIENCE, projects: ['my-group/my-project'], ...more }),
    // https://docs.gitlab.com/ci/secrets/id_token_authentication
    token: {
      claims: {
        namespace_id: '72',
        namespace_path: 'my-group',
        project_id: '20',
        project_path: 'my-group/my-project',
        user_id: '1',
        user_login: 'sample-user',
        user_email: 'sample-user@example.com',
        pipeline_id: '574',
        pipeline_source: 'push',
        job_id: '302',
        ref: 'feature-branch-1',
        ref_type: 'branch',
        ref_path: 'refs/heads/feature-branch-1',
        ref_protected: 'false',
        environment: 'test-environment2',
        environment_protected: 'false',
        runner_id: 1,
        runner_environment: 'self-hosted',
        sha: '714a629c0b401fdce83e847fc9589983fc6f46bc',
        project_visibility: 'public',
        jti: '235b3a54-b797-45c7-ae9a-f72d7bc6ef5b',
        iss: 'https://gitlab.com',
        nbf: now - 15,
        ...times,
        sub: 'project_path:my-group/my-project:ref_type:branch:ref:feature-branch-1',
        aud: AUDIENCE,
      },
    },
  },
  google: {
    options: (more) => presets.google({ audience: AUDIENCE, serviceAccounts: [CLOUD_ACCOUNT], ...more }),
    token: {
      claims: {
        iss: 'https://accounts.google.com',
        aud: AUDIENCE,
        azp: CLOUD_ACCOUNT,
        sub: CLOUD_ACCOUNT,
        email: 'worker@my-project.iam.gserviceaccount.com',
        email_verified: true,
        ...times,
      },
    },
  },
  keycloak: {
    options: (more) => presets.keycloak({ url: 'https://sso.example.com', realm: 'shop', audience: 'orders-api', clientId: 'orders-api', ...more }),
    token: {
      claims: {
        ...times,
        jti: 'onrtac:0b8a1b5c-8e8d-4d7a-9a0b-7a1c1d4b9d51',
        iss: 'https://sso.example.com/realms/shop',
        aud: ['orders-api', 'account'],
        sub: 'f1c4f64e-2c0c-4cda-8c9f-9f3f8f3a2b0e',
        typ: 'Bearer',
        azp: 'web-shop',
        sid: '4c0a3a8a-3a47-4f2f-8e89-9e5f9b0a0a0a',
        realm_access: { roles: ['offline_access'] },
        resource_access: { 'orders-api': { roles: ['orders-clerk'] } },
        scope: 'openid profile email',
      },
    },
  },
  kubernetes: {
    options: (more) => presets.kubernetes({ audience: 'orders', serviceAccounts: ['my-namespace/my-sa'], ...more }),
    // https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
    token: {
      header: {},
      claims: {
        aud: ['orders'],
        ...times,
        iss: 'https://kubernetes.default.svc.cluster.local',
        jti: 'ea28ed49-2e11-4280-9ec5-bc3d1d84661a',
        'kubernetes.io': {
          namespace: 'my-namespace',
          node: { name: 'my-node', uid: '646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1' },
          pod: { name: 'my-pod', uid: '5e0bd49b-f040-43b0-99b7-22765a53f7f3' },
          serviceaccount: { name: 'my-sa', uid: '14ee3fa4-a7e2-420f-9f9a-dbc4507c3798' },
        },
        nbf: now - 10,
        sub: 'system:serviceaccount:my-namespace:my-sa',
      },
    },
  },
  okta: {
    options: (more) => presets.okta({ domain: 'example.okta.com', audience: 'api://default', ...more }),
    token: {
      header: {},
      claims: {
        ver: 1,
        jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
        iss: 'https://example.okta.com/oauth2/default',
        aud: 'api://default',
        sub: 'ada@example.com',
        ...times,
        cid: '0oa1gjh63g214q0Hq0g4',
        uid: '00uid4BxXw6I6TV4m0g3',
        scp: ['openid', 'orders'],
      },
    },
  },
  pingFederate: {
    options: (more) => presets.pingFederate({ url: 'https://sso.example.com', audience: AUDIENCE, ...more }),
    // https://docs.pingidentity.com/pingfederate/latest/administrators_reference_guide/pf_configuring_json_based_access_token_management.html
    token: {
      header: { typ: 'at+jwt', 'pi.atm': '1' },
      claims: { scope: ['orders:read'], client_id: 'web-shop', iss: 'https://sso.example.com', aud: AUDIENCE, jti: 'a1', sub: 'ada', ...times },
    },
  },
  pingOne: {
    options: (more) => presets.pingOne({ environmentId: TENANT, region: 'eu', audience: AUDIENCE, ...more }),
    // https://developer.pingidentity.com/pingone-api/foundations/authentication-concepts/access-tokens-and-id-tokens/token-claims.html
    token: {
      header: {},
      claims: {
        client_id: CLIENT,
        iss: `https://auth.pingone.eu/${TENANT}/as`,
        jti: '3fa1a1b5-2b5c-4a51-8e0b-5f0d5a5f0b1a',
        ...times,
        aud: [AUDIENCE],
        scope: 'orders:read',
        sub: '4f0b7c6e-6a52-4d8f-9f80-6c8e0c6f2d11',
        acr: 'Single_Factor',
        auth_time: now - 60,
        sid: '5c1b1a77-9f3e-4a54-a1a4-5a7d8d0a3c55',
        env: TENANT,
        org: 'c9d9a1c2-51b5-4c8c-9a0e-3b2c2a0b8e55',
      },
    },
  },
  spiffe: {
    options: (more) => presets.spiffe({ trustDomain: 'example.org', audience: 'orders', jwks: bundle, ...more }),
    // https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md
    token: { claims: { sub: 'spiffe://example.org/ns/shop/sa/web', aud: ['orders'], ...times } },
  },
  supabase: {
    options: (more) => presets.supabase({ projectRef: 'abcdefghijklmnopqrst', ...more }),
    // https://supabase.com/docs/guides/auth/jwt-fields
    token: {
      claims: {
        aal: 'aal1',
        amr: [{ method: 'password', timestamp: now - 60 }],
        app_metadata: { provider: 'email', roles: ['clerk'] },
        aud: 'authenticated',
        email: 'ada@example.com',
        ...times,
        iss: 'https://abcdefghijklmnopqrst.supabase.co/auth/v1',
        phone: '',
        role: 'authenticated',
        session_id: '7cf5a3d1-9a0e-4c33-8d8e-1d2c3b4a5f60',
        sub: '123e4567-e89b-12d3-a456-426614174000',
        user_metadata: { roles: ['admin'] },
        is_anonymous: false,
      },
    },
  },
  workos: {
    options: (more) => presets.workos({ clientId: 'client_123456789', ...more }),
    // https://workos.com/docs/reference/authkit/session-tokens
    token: {
      header: {},
      claims: {
        iss: 'https://api.workos.com',
        sub: 'user_01HBEQKA6K4QJAS93VPE39W1JT',
        act: { sub: 'admin@foocorp.com' },
        org_id: 'org_01HRDMC6CM357W30QMHMQ96Q0S',
        role: 'member',
        roles: ['member'],
        permissions: ['posts:read', 'posts:write'],
        entitlements: ['audit-logs'],
        sid: 'session_01HQSXZGF8FHF7A9ZZFCW4387R',
        jti: '01HQSXZXPPFPKMDD32RKTFY6PV',
        ...times,
      },
    },
  },
  zitadel: {
    options: (more) => presets.zitadel({ url: 'https://example-abc123.zitadel.cloud', projectId: '269152346434019332', ...more }),
    // https://zitadel.com/docs/apis/openidoauth/claims
    token: {
      claims: {
        aud: ['269152346434019333', '269152346434019332'],
        client_id: '269152346434019333',
        ...times,
        iss: 'https://example-abc123.zitadel.cloud',
        jti: 'V2_269152346434019334-at_269152346434019335',
        nbf: now - 10,
        sub: '269152346434019336',
        'urn:zitadel:iam:org:project:roles': { root: { '1': 'a.zitadel.cloud' } },
        'urn:zitadel:iam:org:project:269152346434019332:roles': {
          clerk: { '1': 'a.zitadel.cloud', '2': 'b.zitadel.cloud' },
          auditor: { '2': 'b.zitadel.cloud' },
        },
      },
    },
  },
};

/** The options of a preset with the keys and the clock of the tests. */
export function optionsOf(name: PresetName, more: object = {}): GuardOptions {
  return providers[name].options({ ...given, ...(name === 'spiffe' && { jwks: bundle }), ...more });
}
