import type { Request, Response } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { inWords } from '../errors/in-words.ts';
import { confirmThirdPartyStart } from '../errors/questions.ts';
import { neverCache } from '../http/answers.ts';
import { formOf, hasRepeats, queryOf } from '../http/parameters.ts';
import { requestKind } from '../http/request-kind.ts';
import { languageOf } from '../http/request-language.ts';
import { hasControlCharacter, localTarget } from '../http/return-path.ts';
import { isSameOrigin } from '../http/same-origin.ts';
import { withoutEmpty } from '../provider/parameters.ts';
import { authOf } from '../session/context.ts';
import { startLogin } from './login.ts';

/** In bytes: it goes into the sign-in's cookie, beside the path, and browsers drop one of more than 4,096. */
const longestHint = 256;

/**
 * A sign-in that somebody else begins (OpenID Connect Core §4). Nobody is sent anywhere unasked: the page asks, and
 * its button, which only our own origin can press, goes on. A session that is there stays until the new one is.
 */
export async function initiateLogin(req: Request, res: Response): Promise<void> {
  const { context } = authOf(req);
  neverCache(res);
  const wanted = wantedOf(req);
  const iss = wanted.get('iss');
  const provider = context.providers.all.find(({ settings }) => settings.issuer === iss);
  if (!provider) throw new AuthError('issuer_unknown');
  const returnTo = localTarget(wanted.get('target_link_uri') ?? '/', context.baseUrl);
  const login_hint = usableHint(wanted.get('login_hint') ?? '');
  const switching = wanted.get('switch') === 'yes';
  const pressed = req.method === 'POST' && isSameOrigin(req, context.baseUrl) && requestKind(req) === 'form';
  if (pressed) {
    const prompt = switching ? 'select_account' : undefined;
    const parameters = withoutEmpty({ prompt, login_hint });
    return startLogin(req, res, { provider: provider.name, returnTo, parameters });
  }
  const fields = {
    iss: provider.settings.issuer,
    target_link_uri: returnTo,
    ...(login_hint && { login_hint }),
  };
  res.render('message', inWords(confirmThirdPartyStart(fields, provider.label), languageOf(req)));
}

/** Whole characters only. What no name or address holds is no hint; JSON would make six bytes of each. */
function usableHint(given: string): string | undefined {
  if (hasControlCharacter(given)) return undefined;
  const bytes = Buffer.from(given).subarray(0, longestHint);
  return new TextDecoder().decode(bytes, { stream: true }) || undefined;
}

/** Query or form, each parameter once. */
function wantedOf(req: Request): URLSearchParams {
  const wanted = req.method === 'POST' && typeof req.body === 'string' ? formOf(req) : queryOf(req);
  if (hasRepeats(wanted)) throw new AuthError('issuer_unknown');
  return wanted;
}
