import type { RequestListener, ServerResponse } from 'node:http';
import type { Express, Request, Response } from 'express';
import type { Log } from '../log/index.ts';

/**
 * The app as the server calls it, with an answer to what passes every route and every error page: Express takes no
 * request whose target has no path (`http://`), and an error page may fail itself. Express's own last answer is not
 * one of our pages (R19), and it first waits for the whole body of the request.
 *
 * @param answer gives that last answer
 */
export function listener(
  app: Express,
  log: Log,
  answer: (res: ServerResponse, status: number) => void = bare,
): RequestListener {
  return (req, res) => {
    app(req as Request, res as Response, (error?: unknown) => {
      if (error !== undefined) log.error(error, 'an error page could not be printed');
      if (res.headersSent) return void res.destroy();
      answer(res, error === undefined ? 400 : 500);
    });
  };
}

function bare(res: ServerResponse, status: number): void {
  res.writeHead(status, { Connection: 'close' }).end();
}
