/**
 * The yardstick: Express 5 and EJS, no session, no sign-in, the same page. With COMPILED_VIEWS it prints
 * its views as this app does, which leaves the sign-in as the only difference.
 */
import express from 'express';
import { folders, renderProfile, useViews } from './page.js';

const app = express();
if (process.env.COMPILED_VIEWS) {
  const compiled = await import('../../src/kit/http/views.ts');
  compiled.useViews(app, folders.views, { development: false });
  app.disable('etag');
} else {
  useViews(app);
}
app.get('/profile', (_req, res) => renderProfile(res));
app.listen(Number(process.env.PORT), '127.0.0.1');
// Node keeps what V8 compiled (NODE_COMPILE_CACHE) when the program ends by itself.
process.once('SIGTERM', () => process.exit());
