import { acr, allOf, anyOf, maxAge, role, scope } from '@tokenward/core';
import type { SuiteRoute } from './app.js';

/** The routes that every example app has. */
export const exampleRoutes: readonly SuiteRoute[] = [
  { method: 'GET', path: '/public', access: 'public', policies: [], answer: () => ({ status: 200, body: { public: true } }) },
  { method: 'GET', path: '/optional', access: 'optional', policies: [], answer: ({ auth }) => ({ status: 200, body: { subject: auth?.subject ?? null } }) },
  {
    method: 'GET',
    path: '/me',
    access: 'required',
    policies: [],
    answer({ auth }) {
      const { subject, issuer, clientId, scopes, roles } = auth!;
      return { status: 200, body: { subject, issuer, clientId: clientId ?? null, scopes, roles } };
    },
  },
  { method: 'GET', path: '/orders', access: 'required', policies: [scope('orders:read')], answer: () => ({ status: 200, body: [] }) },
  {
    method: 'POST',
    path: '/orders',
    access: 'required',
    policies: [scope('orders:write')],
    answer: ({ body }) => ({ status: 201, body: { id: '1', ...(body as object) } }),
  },
  { method: 'DELETE', path: '/orders/:id', access: 'required', policies: [role('admin')], answer: () => ({ status: 204 }) },
  {
    method: 'GET',
    path: '/reports',
    access: 'required',
    policies: [anyOf(scope('reports:read'), role('auditor', 'finance'))],
    answer: () => ({ status: 200, body: [] }),
  },
  {
    method: 'PUT',
    path: '/payout',
    access: 'required',
    policies: [allOf(scope('payout'), acr('urn:example:mfa'), maxAge(300))],
    answer: () => ({ status: 200, body: { paid: true } }),
  },
];
