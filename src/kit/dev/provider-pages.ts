import express, { type Request, type Response } from 'express';
import type { Context, Interaction, Provider } from 'oidc-provider';
import { dateTime } from '../pages/time.ts';
import { type Account, acrOf } from './accounts.ts';
import { makeAccount } from './made-accounts.ts';
import { findAccount } from './provider-config.ts';
import type { LogoutAnswer, ProviderLogout, ProviderSession } from './provider-logout.ts';
import type { ProviderStore } from './provider-store.ts';
import { pageHeaders, type Render, sendFile, showWith } from './provider-views.ts';

interface Parts {
  provider: Provider;
  store: ProviderStore;
  /** Whoever signs up is added. */
  accounts: Account[];
  logout: ProviderLogout;
  render: Render;
}

/** The provider's web server: its own pages, and behind them the library's endpoints. */
export function providerPages(parts: Parts) {
  const { provider, store, accounts, render } = parts;
  const show = showWith(render);
  const app = express().disable('x-powered-by');
  const apps = () =>
    [...store.clients.values()].map((client) => ({
      name: client.client_name ?? client.client_id,
      href: new URL(client.redirect_uris[0] ?? provider.issuer).origin,
    }));

  // The look is the app's own, read anew each time: a change is seen at once.
  app.get('/kit.css', (_req, res) => sendFile(res, 'css', '../public/kit.css'));
  app.get('/site.css', (_req, res) => sendFile(res, 'css', '../../../public/site.css'));
  app.get('/provider.svg', (_req, res) => sendFile(res, 'svg', './views/provider.svg'));
  app.get('/provider.css', (_req, res) => sendFile(res, 'css', './views/provider.css'));
  app.get('/', (_req, res) =>
    show(res, 'home', { at: '/', accounts, apps: apps(), issuer: provider.issuer }),
  );
  app.use(signInPages(parts), sessionPages(parts));

  app.use(provider.callback());
  app.use((error: Error & { error_description?: string }, _req: Request, res: Response, _next: unknown) => {
    res.status(400);
    const text = 'It has expired, or you finished it in another tab. Go back to the app and sign in again.';
    return show(res, 'problem', {
      ...{ title: "This sign-in can't continue", text },
      details: { error: error.message, error_description: error.error_description },
    });
  });
  return app;
}

/** Where a person says who they want to be, or makes an account. */
function signInPages({ provider, accounts, render }: Parts): express.Router {
  const show = showWith(render);
  const router = express.Router();
  const clientName = async (id = '') => (await provider.Client.find(id))?.clientName ?? id;
  router.get('/interaction/:uid', async (req, res) => {
    const { params, prompt, session } = await provider.interactionDetails(req, res);
    const client = await clientName(params.client_id);
    if (prompt.name === 'create') return show(res, 'sign-up', { client, name: params.login_hint ?? '' });
    const first = [params.login_hint, session?.accountId];
    await show(res, 'sign-in', {
      // Whoever the app suggests, or is signed in, comes first.
      accounts: [...accounts].sort((a, b) => Number(first.includes(b.sub)) - Number(first.includes(a.sub))),
      client,
      hint: params.login_hint,
      current: session?.accountId,
      asked: whatWasAsked(prompt.reasons, params),
    });
  });
  router.post('/interaction/:uid', form, sameSite, async (req, res) => {
    const interaction = await provider.interactionDetails(req, res);
    const { account: sub = '', name, cancel } = req.body ?? {};
    const signsUp = interaction.prompt.name === 'create' && cancel === undefined;
    const account = signsUp ? makeAccount(accounts, name) : findAccount(accounts, String(sub));
    if (typeof account === 'string') {
      const client = await clientName(interaction.params.client_id);
      res.status(422);
      return show(res, 'sign-up', { client, name: String(name ?? ''), problem: account });
    }
    await provider.interactionFinished(req, res, signInResult(account, interaction), {
      mergeWithLastSubmission: false,
    });
  });
  return router;
}

/** Who is signed in at the provider, and the ways to end that. */
function sessionPages({ provider, logout, render }: Parts): express.Router {
  const show = showWith(render);
  const router = express.Router();
  const showSessions = (res: Response, answers?: LogoutAnswer[]) =>
    show(res, 'sessions', { at: '/sessions', sessions: printed(logout.listSessions()), answers });
  router.get('/sessions', (_req, res) => showSessions(res));
  router.post('/sessions/end', form, sameSite, async (req, res) => {
    const { uid, sub } = req.body ?? {};
    const answers: LogoutAnswer[] = sub
      ? await logout.endUser(String(sub))
      : await logout.endSession(String(uid));
    await showSessions(res, answers);
  });
  router.post('/sessions/frontchannel', form, sameSite, async (req, res) => {
    const session = logout.listSessions().find(({ uid }) => uid === req.body?.uid);
    const frames = (session?.clients ?? []).flatMap(({ frontchannel_logout_uri: uri, sid }) =>
      uri
        ? [{ src: `${uri}?${new URLSearchParams({ iss: provider.issuer, sid })}`, host: new URL(uri).host }]
        : [],
    );
    await logout.endSession(String(req.body?.uid), { tell: false });
    await show(res, 'frontchannel', { frames });
  });
  return router;
}

/** With what tells one session from another, also where two began in one minute. */
function printed(sessions: readonly ProviderSession[]) {
  return sessions.map(({ since, ...session }) => {
    const time = dateTime(since);
    return {
      ...session,
      since: time,
      which: `${session.sub}, signed in ${time.text}, ${session.uid.slice(0, 6)}`,
    };
  });
}

const form = express.urlencoded({ extended: false });

/** The pages that the library asks for from inside its endpoints. */
export function logoutPages(render: Render) {
  return {
    /** Signing out does not ask again when the app sends the ID token of who is signed in (RP-Initiated Logout §2). */
    async logoutSource(ctx: Context, logout: ProviderLogout) {
      const { session, entities, provider } = ctx.oidc;
      if (entities.IdTokenHint?.payload.sub !== session.accountId) {
        ctx.set(pageHeaders);
        ctx.body = await render('sign-out', {
          action: ctx.oidc.urlFor('end_session_confirm'),
          xsrf: session.state?.secret,
          sub: session.accountId,
        });
        return;
      }
      const { postLogoutRedirectUri, state } = session.state ?? {};
      const target = new URL(postLogoutRedirectUri ?? `${provider.issuer}/session/end/success`);
      if (postLogoutRedirectUri && state) target.searchParams.set('state', state);
      await logout.endSession(session.uid);
      await session.destroy();
      ctx.cookies.set(provider.cookieName('session'), null);
      ctx.status = 303;
      ctx.redirect(target.href);
    },
    async postLogoutSuccessSource(ctx: Context) {
      ctx.set(pageHeaders);
      ctx.body = await render('signed-out', {});
    },
    async renderError(ctx: Context, details: Record<string, string | undefined>) {
      ctx.type = 'html';
      ctx.set(pageHeaders);
      ctx.body = await render('problem', {
        title: 'The provider refused this request',
        text: "The app sent something that this provider doesn't accept. This is its response:",
        details,
      });
    },
  };
}

function signInResult(account: Account | undefined, { params }: Interaction) {
  if (!account || account.behaviour === 'cancels') {
    return { error: 'access_denied', error_description: 'the sign-in was cancelled' };
  }
  const login = {
    accountId: account.sub,
    acr: acrOf(account, params.acr_values?.split(' ')),
    ...(account.signedInSecondsAgo && { ts: Math.floor(Date.now() / 1000) - account.signedInSecondsAgo }),
  };
  return { login, select_account: {}, create: {} };
}

function whatWasAsked(reasons: string[], params: Interaction['params']): string[] {
  return [
    ...(reasons.includes('login_prompt') ? ['a fresh sign-in'] : []),
    ...(reasons.includes('max_age') ? [`a sign-in no more than ${params.max_age} seconds old`] : []),
    ...(params.acr_values ? [`a sign-in at the level ${params.acr_values}`] : []),
  ];
}

/** Another website must not press these buttons. */
function sameSite(req: Request, res: Response, next: () => void) {
  if (req.get('sec-fetch-site') === 'cross-site') res.sendStatus(403);
  else next();
}
