/** express-openid-connect as its README says; with REDIS_URL its session is kept in Redis. */
import { RedisStore } from 'connect-redis';
import express from 'express';
import { auth } from 'express-openid-connect';
import { createClient } from 'redis';
import { renderProfile, useViews } from './page.js';

const app = express();
useViews(app);
app.use(
  auth({
    issuerBaseURL: process.env.OIDC_ISSUER,
    baseURL: process.env.BASE_URL,
    clientID: process.env.OIDC_CLIENT_ID,
    clientSecret: process.env.OIDC_CLIENT_SECRET,
    secret: process.env.SESSION_SECRET,
    authorizationParams: { response_type: 'code', scope: 'openid profile email offline_access' },
    ...(process.env.REDIS_URL && { session: { store: await openStore(process.env.REDIS_URL) } }),
  }),
);
app.get('/profile', (req, res) => renderProfile(res, req.oidc.idTokenClaims));
app.listen(Number(process.env.PORT), '127.0.0.1');

async function openStore(url) {
  const client = createClient({ url });
  client.on('error', console.error);
  await client.connect();
  return new RedisStore({ client });
}
