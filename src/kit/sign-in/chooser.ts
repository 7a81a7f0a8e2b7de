import type { Request, Response } from 'express';
import { say } from '../errors/language.ts';
import { neverCache } from '../http/answers.ts';
import { languageOf } from '../http/request-language.ts';
import type { Provider } from '../provider/index.ts';
import { lastChosen } from '../session/chosen-provider.ts';
import { type AuthContext, authOf } from '../session/context.ts';
import { loginAddress, loginPath } from '../session/login-address.ts';

/**
 * Asks where to sign in. The choices are links: they work without script, and a click on one is no form, whose way over
 * to a provider `form-action` would stop (R16).
 *
 * @param passedOn what the link that led here asks of the provider
 */
export function askWhichProvider(
  req: Request,
  res: Response,
  { returnTo, passedOn }: { returnTo: string; passedOn: Readonly<Record<string, string>> },
): void {
  const { context } = authOf(req);
  neverCache(res);
  const last = lastChosen(req, context);
  const choices = offered(context, passedOn).map((provider) => ({
    name: provider.name,
    label: provider.label,
    last: provider === last,
    href: loginAddress(loginPath(provider), { ...passedOn, returnTo }),
  }));
  // The last one first, the others as in the settings.
  choices.sort((a, b) => Number(b.last) - Number(a.last));
  res.render('chooser', {
    title: say({ key: 'chooser.title' }, languageOf(req)),
    providers: choices,
    // The header's button leads to this very page, but without the path that was asked for.
    signInHref: undefined,
  });
}

/** Whoever wants a new account is shown the providers that make some; where none says so, all of them. */
function offered(
  { providers }: AuthContext,
  { prompt }: Readonly<Record<string, string>>,
): readonly Provider[] {
  const makers = providers.all.filter((provider) => provider.offersPrompt('create'));
  return prompt === 'create' && makers.length > 0 ? makers : providers.all;
}
