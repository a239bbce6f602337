import { describe, expect, test } from 'vitest';
import { isLoopback, urlProblem } from './url.js';

describe('rule 53: URLs that may be fetched from', () => {
  test.each([
    'https://login.example.com',
    'https://login.example.com/',
    'https://login.example.com:8443/tenant/a?b=c',
    'HTTPS://LOGIN.EXAMPLE.COM',
    'https://127.0.0.1',
    'https://[2606:4700::1]/',
    'http://localhost',
    'http://LOCALHOST:3000/path',
    'http://127.0.0.1:3000',
    'http://127.1.2.3',
    'http://127.1',
    'http://0x7f.1',
    'http://2130706433',
    'http://0177.0.0.1',
    'http://[::1]:3000',
    'http://[0:0:0:0:0:0:0:1]',
  ])('%s', (url) => {
    expect(urlProblem(url)).toBeUndefined();
  });
});

describe('rule 53: http passes for loopback only', () => {
  test.each([
    'http://login.example.com',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://evil.example/localhost',
    'http://evil.example?127.0.0.1',
    'http://evil.example#localhost',
    'http://evil-localhost',
    'http://localhost.',
    'http://api.localhost',
    'http://localhost.localdomain',
    'http://loca1host',
    'http://127.0.0.1.nip.io',
    'http://126.255.255.255',
    'http://128.0.0.1',
    'http://0.0.0.0',
    'http://10.0.0.1',
    'http://169.254.169.254',
    'http://[::]',
    'http://[::2]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://[fe80::1]',
    'http://\uff45vil.example',
    'http:\\\\evil.example\\@localhost',
  ])('%s', (url) => {
    expect(urlProblem(url)).toMatch(/is http, which anybody on the way can forge|holds a user name or password/);
  });
});

test.each([
  ['file:///etc/passwd', 'file'],
  ['ftp://login.example.com', 'ftp'],
  ['ws://localhost', 'ws'],
  ['javascript:alert(1)', 'javascript'],
  ['data:application/json,{}', 'data'],
  ['localhost:3000', 'localhost'],
  ['login.example.com:443/tenant', 'login.example.com'],
  ['httpss://login.example.com', 'httpss'],
  ['blob:https://login.example.com/a', 'blob'],
])('rule 53: %s has the wrong scheme', (url, scheme) => {
  expect(urlProblem(url)).toBe(`has the scheme "${scheme}": https is needed`);
});

test.each([
  '',
  ' ',
  'login.example.com',
  '/path',
  '//login.example.com',
  'https://',
  'https:///',
  'https://a b',
  'https://[::1',
  'https://login.example.com:99999',
  '\0',
  'http://127.0.0.256',
])('rule 53: %j is no absolute URL', (text) => {
  expect(urlProblem(text)).toBe('is not an absolute URL');
});

test.each([' https://login.example.com', '\0https://login.example.com', 'https://login.example.com\n', 'https://login.\texample.com', 'http://local\nhost'])(
  'rule 53: %j holds what the URL parser would pass over',
  (text) => {
    expect(urlProblem(text)).toBe('holds white space or control characters');
  },
);

test.each([
  'https://user@login.example.com',
  'https://user:secret@login.example.com',
  'https://:secret@login.example.com',
  'http://localhost@evil.example',
  'http://127.0.0.1:80@evil.example',
  'http:user:secret@localhost',
  'ftp://user:secret@localhost',
])('rule 139: %s holds a user name or password, and the message none of it', (url) => {
  expect(urlProblem(url)).toBe('holds a user name or password: remove them');
});

test.each<[string, boolean]>([
  ['localhost', true],
  ['[::1]', true],
  ['127.0.0.1', true],
  ['127.255.255.255', true],
  ['', false],
  ['::1', false],
  ['127.0.0.1\n', false],
  ['127.0.0', false],
  ['127.0.0.1.1', false],
  ['1127.0.0.1', false],
  ['a127.0.0.1', false],
  ['127x0x0x1', false],
  ['LOCALHOST', false],
])('rule 53: the host name %j, as a URL has it, is loopback: %s', (hostname, expected) => {
  expect(isLoopback(hostname)).toBe(expected);
});
