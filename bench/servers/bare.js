/**
 * The yardstick: Express 5 and EJS, no session, no sign-in, the same page. With COMPILED_VIEWS it prints
 * its views as this app does, which leaves the sign-in as the only difference.
 */
import express from 'express';
import * as compiled from '../../src/kit/http/views.ts';
import { profileClaims, protocolClaims } from './claims.ts';
import { folders, renderProfile, useViews } from './page.js';

const claims = { ...protocolClaims(process.env.OIDC_ISSUER), ...profileClaims };

const app = express();
if (process.env.COMPILED_VIEWS) {
  compiled.useViews(app, folders.views, { development: false });
  app.disable('etag');
} else {
  useViews(app);
}
app.get('/profile', (_req, res) => renderProfile(res, claims));
app.listen(Number(process.env.PORT), '127.0.0.1');
