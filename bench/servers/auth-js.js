/** Auth.js for Express as its documentation says; its session is an encrypted cookie. */
import { ExpressAuth, getSession } from '@auth/express';
import express from 'express';
import { renderProfile, useViews } from './page.js';

const config = {
  basePath: '/auth',
  secret: process.env.SESSION_SECRET,
  trustHost: true,
  providers: [
    {
      id: 'bench',
      name: 'Bench',
      type: 'oidc',
      issuer: process.env.OIDC_ISSUER,
      clientId: process.env.OIDC_CLIENT_ID,
      clientSecret: process.env.OIDC_CLIENT_SECRET,
      checks: ['pkce', 'state', 'nonce'],
      authorization: { params: { scope: 'openid profile email offline_access' } },
    },
  ],
  callbacks: {
    // Left alone, its session keeps a name and an address only; the page needs all claims.
    jwt: ({ token, profile }) => (profile ? { ...token, claims: profile } : token),
    session: ({ session, token }) => ({ ...session, claims: token.claims }),
  },
};

const app = express();
useViews(app);
// A pattern, because it reads the first unnamed parameter, which Express 5's own wildcards no longer make.
app.use(/^\/auth\/(.*)/, ExpressAuth(config));
app.get('/profile', async (req, res) => {
  const session = await getSession(req, config);
  if (!session) return res.redirect('/auth/signin');
  renderProfile(res, session.claims);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
