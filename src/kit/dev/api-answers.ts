import type { NextFunction, Request, Response } from 'express';
import { ApiProblem, TokenProblem } from './api-problems.ts';
import type { AccessToken } from './api-token.ts';

/** Reading and writing each need a scope of their own (RFC 6750 §3.1). */
export function demandScope({ read, write }: { read: string; write: string }) {
  return (req: Request, res: Response, next: NextFunction): void => {
    const scope = req.method === 'GET' || req.method === 'HEAD' ? read : write;
    const { scopes } = tokenOf(res);
    if (!scopes.includes(scope))
      throw new TokenProblem(403, 'Bearer', 'insufficient_scope', `This needs the scope ${scope}`, { scope });
    next();
  };
}

/** Whose request it is. */
export const tokenOf = (res: Response): AccessToken => res.locals.token;

/** For an address that there is, and other methods. */
export function refuseMethod(...allowed: readonly string[]) {
  return (req: Request): never => {
    throw new ApiProblem(405, `${req.method} is not possible here`, {
      headers: { Allow: allowed.join(', ') },
    });
  };
}
