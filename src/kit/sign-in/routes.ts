import { type NextFunction, type Request, type Response, Router } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { inWords } from '../errors/in-words.ts';
import { confirmLink } from '../errors/questions.ts';
import { neverCache, redirect } from '../http/answers.ts';
import { comesFromElsewhere } from '../http/navigation.ts';
import { formOf, queryOf, readForm } from '../http/parameters.ts';
import { requestKind } from '../http/request-kind.ts';
import { languageOf } from '../http/request-language.ts';
import { localPath } from '../http/return-path.ts';
import type { Provider } from '../provider/index.ts';
import type { Providers } from '../provider/providers.ts';
import { rememberChoice } from '../session/chosen-provider.ts';
import { type AuthContext, answersByForm, authOf } from '../session/context.ts';
import { loginAddress, loginPath } from '../session/login-address.ts';
import { signedIn } from '../session/user-session.ts';
import { readAnswer } from './answer.ts';
import { askWhichProvider } from './chooser.ts';
import { finishLogin } from './finish-login.ts';
import { asksForAnother, linkParameters } from './link-parameters.ts';
import { startLogin, storeAwayAtSignIn } from './login.ts';
import { initiateLogin } from './third-party-start.ts';

/** Starts and callback, below /auth. */
export function signInRoutes(): Router {
  const router = Router();
  router.route('/login').get(login);
  router.route('/login/:name').get(login);
  for (const path of ['/callback', '/callback/:name']) {
    router.route(path).get(callbackByQuery).post(readForm('64kb'), callbackByForm);
  }
  router.route('/initiate-login').get(initiateLogin).post(readForm('16kb'), initiateLogin);
  return router;
}

/** Where other sites may post to: whoever starts a sign-in, which leads to a question, and the provider's answer. */
export function postedFromElsewhere({ all }: Providers): string[] {
  return ['/auth/initiate-login', ...all.filter(answersByForm).map(({ callbackPath }) => callbackPath)];
}

async function login(req: Request, res: Response, next: NextFunction): Promise<void> {
  const returnTo = localPath(req.query.returnTo);
  neverCache(res);
  // An image, a frame, a script or a prefetch would only push out the sign-in of a person.
  if (requestKind(req) === 'script') throw new AuthError('sign_in_first');
  const { context, storeError } = authOf(req);
  const named = namedIn(req, context);
  if (named === 'unknown') return next();
  const provider = named ?? context.providers.only;
  if (storeError !== undefined) throw storeAwayAtSignIn(req, storeError, { returnTo, provider });
  const parameters = linkParameters(req);
  const { restarted, switch: switching, api } = req.query;
  const own = signedIn(req);
  const elsewhere = comesFromElsewhere(req);
  const anew =
    isAskedAnew(req, parameters, provider) || (named && (elsewhere || own?.user.provider !== named.name));
  if (own && !anew) return redirect(res, 302, returnTo);
  const passedOn = { ...parameters, ...asGiven(req) };
  if (own && elsewhere) {
    // Else a page of another site could have somebody go on as somebody else without noticing.
    const href = loginAddress(loginPath(named), { ...passedOn, returnTo });
    return res.render('message', inWords(confirmLink(href), languageOf(req)));
  }
  if (!provider) return askWhichProvider(req, res, { returnTo, passedOn });
  // Whoever is signed in has used another one last until they come back.
  if (named && !own) rememberChoice(req, res, named);
  await startLogin(req, res, {
    ...{ provider: provider.name, returnTo },
    parameters: { ...parameters, ...(switching !== undefined && { prompt: 'select_account' }) },
    ...(restarted !== undefined && { restarted: true }),
    ...(typeof api === 'string' && context.apis.has(api) && { apis: [api] }),
  });
}

/**
 * Whether a new sign-in is wanted although one still holds: `renew` comes from the notice shortly before the absolute
 * end, `switch` from a page that the account may not see.
 */
function isAskedAnew(
  req: Request,
  parameters: Record<string, string>,
  provider: Provider | undefined,
): boolean {
  const { renew, switch: switching } = req.query;
  return renew !== undefined || switching !== undefined || asksForAnother(parameters, provider);
}

/** What is the kit's own in a link, for the page that the choice leads to. */
function asGiven({ query }: Request): Record<string, string> {
  return Object.fromEntries(
    ['renew', 'switch'].filter((name) => query[name] !== undefined).map((name) => [name, 'yes']),
  );
}

/** The provider that an address names; undefined where it names none, and `'unknown'` where there is no such one. */
function namedIn({ params }: Request, { providers }: AuthContext): Provider | 'unknown' | undefined {
  if (params.name === undefined) return undefined;
  const provider = providers.named(String(params.name));
  return provider?.settings.named ? provider : 'unknown';
}

function callbackByQuery(req: Request, res: Response, next: NextFunction): unknown {
  return callback(req, res, next, () => queryOf(req));
}

/** OIDC_RESPONSE_MODE=form_post: the answer is the body, and only then. */
function callbackByForm(req: Request, res: Response, next: NextFunction): unknown {
  return callback(req, res, next, (provider) =>
    provider && answersByForm(provider) ? formOf(req) : new URLSearchParams(),
  );
}

function callback(
  req: Request,
  res: Response,
  next: NextFunction,
  read: (provider: Provider | undefined) => URLSearchParams,
): unknown {
  const { context } = authOf(req);
  const named = namedIn(req, context);
  if (named === 'unknown') return next();
  const { only } = context.providers;
  // At the address without a name no provider with one answers (RFC 9700 §4.4); a person is led there all the same.
  const provider = named ?? (only?.settings.named ? undefined : only);
  return finishLogin(req, res, readAnswer(provider, read(provider)));
}
