import type { AddressInfo } from 'node:net';
import express, { type NextFunction, type Request, type Response } from 'express';
import { createTokenVerifier, TokenProblem } from './api-token.ts';
import { apiScope } from './settings.ts';

export interface ApiOptions {
  /** 0, the default: any free port. */
  port?: number;
  issuer: string;
  /** What the token's aud must hold. Default: the API's own address. */
  audience?: string;
  /** What the token's scope must hold. */
  scope?: string;
}

/**
 * The sample API: another server, which trusts nothing but the access token that comes with a request.
 * It keeps no session and knows no cookie.
 */
export async function startApi({ port = 0, issuer, audience, scope = apiScope }: ApiOptions) {
  const app = express().disable('x-powered-by');
  const server = app.listen(port, 'localhost');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const verify = createTokenVerifier({ issuer, audience: audience ?? url });

  app.use(async (req: Request, res: Response, next: NextFunction) => {
    const token = await verify({
      authorization: req.get('authorization'),
      proof: req.get('dpop'),
      method: req.method,
      url: new URL(req.originalUrl, url),
    });
    if (!token.scopes.includes(scope)) {
      throw new TokenProblem(403, 'insufficient_scope', 'the token does not allow this', { scope });
    }
    res.locals.token = token;
    next();
  });

  app.get('/', (_req, res) => {
    res.set('Cache-Control', 'no-store').json({
      sub: res.locals.token.sub,
      notes: [
        { id: 1, text: 'Water the plants' },
        { id: 2, text: 'Read RFC 9700 again' },
      ],
      answered_at: new Date().toISOString(),
    });
  });

  app.use((_req, res) => {
    res.status(404).json({ error: 'not_found' });
  });

  app.use(tokenProblems);

  return {
    url,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** RFC 6750 §3: says by WWW-Authenticate what is missing in the token; nothing about it without a token. */
function tokenProblems(error: Error, _req: Request, res: Response, _next: NextFunction): void {
  if (!(error instanceof TokenProblem)) {
    res.status(503).set('Retry-After', '5').json({ error: 'temporarily_unavailable' });
    return;
  }
  res.status(error.status).set('WWW-Authenticate', error.challenge);
  res.json({ error: error.code ?? 'unauthorized', error_description: error.message });
}
