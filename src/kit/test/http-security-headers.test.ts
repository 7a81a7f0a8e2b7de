import express from 'express';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { neverCache } from '../http/answers.ts';
import { frameable, helmets, securityHeaders } from '../http/security-headers.ts';
import { startApp } from './helpers/app.ts';

function appWith({ baseUrl = 'https://app.example.com', framers = [] as string[] } = {}) {
  const app = express().disable('x-powered-by');
  app.use(securityHeaders({ baseUrl }));
  app.get('/', (_req, res) => void res.send('page'));
  app.get('/framed', frameable(framers), (_req, res) => void res.send('frame'));
  app.get('/private', (_req, res) => {
    neverCache(res);
    res.send('private');
  });
  return supertest(app);
}

function directives(header: string | undefined): Record<string, string> {
  return Object.fromEntries((header ?? '').split(';').map((part) => part.trim().split(/ (.*)/s, 2)));
}

describe('the headers of every answer', () => {
  test('a page may use what comes from us, and nothing else', async () => {
    const { headers } = await appWith().get('/');
    expect(directives(headers['content-security-policy'])).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'img-src': "'self'",
      'connect-src': "'self'",
      'form-action': "'self'",
      'base-uri': "'none'",
      'frame-ancestors': "'none'",
    });
    expect(headers).toMatchObject({
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    for (const unwanted of ['x-powered-by', 'access-control-allow-origin', 'server']) {
      expect(headers).not.toHaveProperty(unwanted);
    }
  });

  test('are the very ones that Helmet sets when it is asked each time', async () => {
    const additions = { imgSrc: ['https://images.example'] };
    const asked = express().disable('x-powered-by');
    asked.use(helmets({ baseUrl: 'https://app.example.com', additions }));
    const computed = express().disable('x-powered-by');
    computed.use(securityHeaders({ baseUrl: 'https://app.example.com', additions }));
    const of = async (app: express.Express) => {
      app.get('/', (_req, res) => void res.send('page'));
      const { date, ...headers } = (await supertest(app).get('/')).headers;
      return headers;
    };
    expect(await of(computed)).toEqual(await of(asked));
  });

  test('an address that leads nowhere has them too', async () => {
    const { status, headers } = await appWith().get('/nowhere');
    expect(status).toBe(404);
    expect(headers).toHaveProperty('strict-transport-security');
  });

  test('https asks browsers to stay with https for a year; http does not, and upgrades nothing', async () => {
    const https = await appWith().get('/');
    expect(https.headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
    const http = await appWith({ baseUrl: 'http://app.example.com' }).get('/');
    expect(http.headers).not.toHaveProperty('strict-transport-security');
    expect(http.headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
  });

  test('every answer of the app asks browsers to stay with https: pages, files, probes and failures', async () => {
    // Nothing is asked of either server; the store is away.
    const app = await startApp({
      ...{ BASE_URL: 'https://app.example.com', REDIS_URL: 'redis://127.0.0.1:9' },
      ...{
        OIDC_ISSUER: 'https://login.example.com',
        OIDC_CLIENT_ID: 'app',
        OIDC_CLIENT_SECRET: 'not used here',
      },
    });
    try {
      for (const path of ['/', '/profile', '/nowhere', '/site.css', '/healthz', '/readyz', '/auth/session']) {
        const { headers } = await fetch(app.url(path), { redirect: 'manual' });
        expect(headers.get('strict-transport-security'), path).toBe('max-age=31536000; includeSubDomains');
      }
    } finally {
      await app.stop();
    }
  });

  test('a loopback name never has them stay with https: they would do so on every port of it', async () => {
    for (const host of ['localhost', 'localhost:3000', 'app.localhost', 'LOCALHOST.']) {
      const { headers } = await appWith({ baseUrl: `https://${host}` }).get('/');
      expect(headers, host).not.toHaveProperty('strict-transport-security');
    }
    for (const host of [
      'localhost.example.com',
      'mylocalhost',
      '127.example.com',
      '127.0.0.1:8443',
      '[::1]',
    ]) {
      const { headers } = await appWith({ baseUrl: `https://${host}` }).get('/');
      expect(headers, host).toHaveProperty('strict-transport-security');
    }
  });

  test('only the front-channel logout can be framed, and only by the provider', async () => {
    const app = appWith({ framers: ['https://login.example.com'] });
    const { headers } = await app.get('/framed');
    expect(headers).not.toHaveProperty('x-frame-options');
    const policy = directives(headers['content-security-policy']);
    expect(policy['frame-ancestors']).toBe('https://login.example.com');
    expect(policy['form-action']).toBe("'self'");
    expect(policy['default-src']).toBe("'none'");
  });

  test('an origin that would add a directive of its own is refused at the start', () => {
    expect(() => appWith({ framers: ["https://a.example; script-src 'unsafe-inline'"] })).toThrow();
  });

  test('while nobody knows the provider, nobody may frame anything', async () => {
    const { headers } = await appWith().get('/framed');
    expect(headers['x-frame-options']).toBe('DENY');
    expect(directives(headers['content-security-policy'])['frame-ancestors']).toBe("'none'");
  });

  test('what depends on a session is stored nowhere', async () => {
    const app = appWith();
    expect((await app.get('/private')).headers['cache-control']).toBe('no-store');
    expect((await app.get('/')).headers).not.toHaveProperty('cache-control');
  });
});
