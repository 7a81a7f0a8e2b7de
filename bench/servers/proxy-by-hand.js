/**
 * What one would write by hand: express-session in Redis, openid-client for the sign-in, and httpxy to hand requests on.
 * It keeps connections to the API open, as this app does. Why httpxy: proxy.ts says it.
 */
import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { createProxyServer } from 'httpxy';
import * as oidc from 'openid-client';
import { createClient } from 'redis';
import { renderProfile, useViews } from './page.js';

const { API_URL, BASE_URL, OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET } = process.env;
const redirect_uri = `${BASE_URL}/auth/callback`;

const provider = await oidc.discovery(new URL(OIDC_ISSUER), OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, undefined, {
  execute: [oidc.allowInsecureRequests],
});
const client = createClient({ url: process.env.REDIS_URL });
client.on('error', console.error);
await client.connect();

const app = express();
useViews(app);
app.use(
  session({
    store: new RedisStore({ client }),
    secret: process.env.SESSION_SECRET,
    resave: false,
    saveUninitialized: false,
    cookie: { sameSite: 'lax' },
  }),
);

app.get('/profile', async (req, res) => {
  if (req.session.claims) return renderProfile(res, req.session.claims);
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  req.session.signIn = { verifier, state };
  const address = oidc.buildAuthorizationUrl(provider, {
    redirect_uri,
    scope: 'openid profile email offline_access',
    state,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  res.redirect(address.href);
});

app.get('/auth/callback', async (req, res) => {
  const { verifier, state } = req.session.signIn;
  const tokens = await oidc.authorizationCodeGrant(provider, new URL(req.originalUrl, BASE_URL), {
    pkceCodeVerifier: verifier,
    expectedState: state,
  });
  req.session.regenerate(() => {
    req.session.claims = tokens.claims();
    keepTokens(req, tokens);
    res.redirect('/profile');
  });
});

const proxy = createProxyServer({ target: API_URL, changeOrigin: true });
proxy.on('proxyReq', (proxyReq, req) => {
  proxyReq.removeHeader('cookie');
  proxyReq.setHeader('authorization', `Bearer ${req.session.tokens.access_token}`);
});

app.use('/api', async (req, res) => {
  const { tokens } = req.session;
  if (!tokens) return res.status(401).json({ title: 'Sign in first' });
  if (tokens.ends < Date.now() + 30_000) {
    keepTokens(req, await oidc.refreshTokenGrant(provider, tokens.refresh_token));
  }
  await proxy.web(req, res);
});

app.listen(Number(process.env.PORT), '127.0.0.1');

function keepTokens(req, tokens) {
  req.session.tokens = {
    access_token: tokens.access_token,
    refresh_token: tokens.refresh_token ?? req.session.tokens?.refresh_token,
    ends: Date.now() + tokens.expires_in * 1000,
  };
}
