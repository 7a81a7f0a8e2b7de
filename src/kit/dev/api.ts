import type { AddressInfo } from 'node:net';
import express, { type NextFunction, type Request, type Response } from 'express';
import { demandScope, tokenOf } from './api-answers.ts';
import { createEvents } from './api-events.ts';
import { historyRoute } from './api-history.ts';
import { noteRoutes } from './api-note-routes.ts';
import { createNotes } from './api-notes.ts';
import { answerProblem, notFound } from './api-problems.ts';
import { createTokenVerifier, type VerifierOptions } from './api-token.ts';
import { apiScopes } from './settings.ts';

export interface ApiOptions extends Omit<VerifierOptions, 'audience'> {
  /** 0, the default: any free port. */
  port?: number;
  /** What the token's aud must hold. Default: the API's own address. */
  audience?: string;
  /** After how long without an event a stream gets a comment. Default: 15. */
  commentSeconds?: number;
}

/**
 * The sample API: another server, which trusts nothing but the access token that comes with a request.
 * It keeps no session and knows no cookie. Each user has notes of their own, in memory.
 */
export async function startApi(options: ApiOptions) {
  const { port = 0, audience, commentSeconds = 15 } = options;
  // An ETag is there only where If-Match or a range takes it.
  const app = express().disable('x-powered-by').disable('etag');
  const server = app.listen(port, 'localhost');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const verify = createTokenVerifier({ ...options, audience: audience ?? url });

  app.use(async (req: Request, res: Response, next: NextFunction) => {
    res.set('Cache-Control', 'no-store');
    res.locals.token = await verify({
      authorization: req.get('authorization'),
      proof: req.get('dpop'),
      method: req.method,
      url: new URL(req.originalUrl, url),
    });
    next();
  });
  // Before a body is read: who may not write has no body worth reading.
  app.use(demandScope(apiScopes));

  const notes = createNotes();
  app.get('/', (_req, res) => {
    const { sub } = tokenOf(res);
    res.json({ sub, notes: notes.list(sub), answered_at: new Date().toISOString() });
  });
  app.use('/notes', noteRoutes(notes));
  const events = createEvents(notes, { commentSeconds });
  app.get('/events', events.route);
  app.get('/history', historyRoute(notes));

  app.use(() => {
    throw notFound();
  });
  app.use(answerProblem);

  return {
    url,
    async stop() {
      events.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
