// All that an app may use of the kit, as '#kit'. Each name has a sentence where it is defined.

export { webAddress } from './config/values.ts';
export { AuthError } from './errors/auth-error.ts';
export { forbidden, invalid, notFound, refuse, unavailable } from './errors/page-errors.ts';
export type { AllTexts, Texts } from './errors/texts.ts';
export { requireAuth } from './guard/require-auth.ts';
export type { Rule } from './guard/rule.ts';
export { languageOf } from './http/request-language.ts';
export { layOutClaims, layOutJson, rawJson } from './pages/claims.ts';
export { byLanguage } from './pages/forms/by-language.ts';
export { definePage, type Page, type PageContext } from './pages/page.ts';
export { dateTime } from './pages/time.ts';
export { endSessions, recheck } from './session/by-owner.ts';
export type { Data, Register, Settings } from './session/register.ts';
export type { User } from './session/user.ts';
export { getUser } from './session/user-session.ts';
export { defineSite } from './site.ts';
export { run } from './start.ts';
export { getAccessToken, tokenState, withoutToken } from './tokens/access-token.ts';
export { fetchApi } from './tokens/fetch-api.ts';
