import type { Request, Response } from 'express';
import type { Provider } from '../provider/index.ts';
import { type AuthContext, authOf } from './context.ts';

/** Keeps the name of the provider that was chosen last in this browser, and nothing else. */
const cookieName = 'provider';

/** Undefined where there is only one, where none was chosen, or where it is gone. */
export function lastChosen(req: Request, { cookies, providers }: AuthContext): Provider | undefined {
  if (providers.only) return undefined;
  return providers.named(cookies.read(req, (plain) => plain === cookieName).get(cookieName));
}

/** For the next time in this browser. The cookie goes when the browser is closed. */
export function rememberChoice(req: Request, res: Response, { name }: Provider): void {
  const { context } = authOf(req);
  if (context.providers.only || lastChosen(req, context)?.name === name) return;
  context.cookies.setForBrowserSession(res, cookieName, name);
}
