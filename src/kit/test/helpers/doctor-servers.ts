import { decodeJwt, decodeProtectedHeader, type JWK, jwtVerify } from 'jose';
import type { Asked, Reply, Server } from './doctor-provider.ts';

// How the real servers answer a client that is registered in a certain way, as far as it has been seen with them.

/** How the app is registered. */
export interface Registration {
  redirect: string;
  postLogout: string;
  scopes: readonly string[];
  clientId: string;
  secret: string;
  /** For private_key_jwt. */
  key?: JWK;
  /** False: anybody is the client. */
  confidential: boolean;
  /** How the secret may come. */
  methods: readonly ('basic' | 'post')[];
  enabled: boolean;
  /** The authorization code flow. */
  codeFlow: boolean;
  pkce: 'S256' | 'plain';
  requestObject: boolean;
  dpop: boolean;
  par: 'allowed' | 'required' | 'forbidden';
  realm: boolean;
}

const error = (status: number, error: string, error_description?: string): Reply => ({
  status,
  json: { error, error_description },
});

/** Keycloak 26: pushed requests are refused as JSON, the browser's with a page or at the redirect address. */
export function keycloak(app: Registration, more: Partial<Server> = {}): Server {
  const page = (status: number, text: string): Reply => ({
    status,
    html: `<!DOCTYPE html><html><head><title>Sign in to demo</title><style>p{color:red}</style></head><body><h1>We are sorry...</h1><p class="instruction">${text}</p></body></html>`,
  });
  const authenticates = async (asked: Asked) => !app.confidential || (await proves(app, asked));
  function refusal({ params }: Asked): [error: string, description: string] | undefined {
    if (!app.codeFlow)
      return [
        'unauthorized_client',
        'Client is not allowed to initiate browser login with given response_type. Standard flow is disabled for the client.',
      ];
    if (app.requestObject) return ['invalid_request', "Missing parameter: 'request' or 'request_uri'"];
    if (app.dpop && !params.has('dpop_jkt')) return ['invalid_request', 'DPoP proof is missing'];
    if (params.get('code_challenge_method') !== app.pkce)
      return [
        'invalid_request',
        'Invalid parameter: code challenge method is not matching the configured one',
      ];
    if (scopesOf(params).some((scope) => !app.scopes.includes(scope)))
      return ['invalid_scope', `Invalid scopes: ${params.get('scope')}`];
    return undefined;
  }
  return {
    path: '/realms/demo',
    metadata: { prompt_values_supported: ['none', 'login', 'consent'], acr_values_supported: ['0', '1'] },
    async par(asked) {
      if (!app.realm) return error(403, 'access_denied', 'Realm not enabled');
      if (!(await authenticates(asked))) return error(401, 'invalid_request', 'Authentication failed.');
      if (asked.params.get('redirect_uri') !== app.redirect)
        return error(400, 'invalid_request', 'Invalid parameter: redirect_uri');
      const refused = refusal(asked);
      if (refused) return error(400, ...refused);
      return { status: 201, json: { request_uri: 'urn:ietf:params:oauth:request_uri:x', expires_in: 60 } };
    },
    authorize(asked) {
      if (asked.params.has('request_uri')) return { html: '<form>Username</form>' };
      if (!app.realm) return page(400, 'Realm not enabled');
      if (!app.enabled) return page(400, 'Client disabled.');
      if (asked.params.get('redirect_uri') !== app.redirect)
        return page(400, 'Invalid parameter: redirect_uri');
      const [code, text] = refusal(asked) ?? [];
      if (!code) return { html: '<form>Username</form>' };
      return {
        location: `${app.redirect}?${new URLSearchParams({ error: code, error_description: text ?? '' })}`,
      };
    },
    async token(asked) {
      if (!app.realm) return error(403, 'access_denied', 'Realm not enabled');
      if (!app.enabled) return error(401, 'invalid_client', 'Invalid client or Invalid client credentials');
      if (!(await authenticates(asked)))
        return error(401, 'unauthorized_client', 'Invalid client or Invalid client credentials');
      if (app.dpop && !asked.headers.dpop) return error(400, 'invalid_request', 'DPoP proof is missing');
      return error(400, 'invalid_grant', 'Code not valid');
    },
    endSession: ({ params }) =>
      params.get('post_logout_redirect_uri') === app.postLogout
        ? { location: `${app.postLogout}?state=${params.get('state')}` }
        : page(400, 'Invalid redirect uri'),
    ...more,
  };
}

/** IdentityServer4 4.1: whatever it refuses, the browser is led to one page that gives no reason in its address. */
export function identityServer4(app: Registration, more: Partial<Server> = {}): Server {
  let errors = 0;
  return {
    authorize({ params, origin }) {
      const good =
        app.enabled &&
        !app.requestObject &&
        params.get('redirect_uri') === app.redirect &&
        scopesOf(params).every((scope) => app.scopes.includes(scope));
      if (good) return { location: `${origin}/Account/Login?ReturnUrl=%2Fconnect%2Fauthorize%2Fcallback` };
      errors += 1;
      return { location: `${origin}/home/error?errorId=CfDJ8Nx${errors}` };
    },
    async token(asked) {
      if (!app.enabled || (app.confidential && !(await proves(app, asked, 'token_endpoint'))))
        return error(400, 'invalid_client');
      return app.codeFlow ? error(400, 'invalid_grant') : error(400, 'unauthorized_client');
    },
    endSession: ({ origin }) => ({ location: `${origin}/Account/Logout?logoutId=CfDJ8` }),
    ...more,
  };
}

/** OpenIddict 7.8: says why in plain text, and of a pushed request only where it is opened. */
export function openIddict(app: Registration, more: Partial<Server> = {}): Server {
  const plain = (name: string, description: string): Reply => ({
    status: 400,
    text: `error:${name}\nerror_description:${description}\nerror_uri:https://documentation.openiddict.com/errors/ID2043`,
  });
  const refusal = (params: URLSearchParams): Reply | undefined => {
    if (params.get('redirect_uri') !== app.redirect)
      return plain(
        'invalid_request',
        "The specified 'redirect_uri' is not valid for this client application.",
      );
    if (!app.codeFlow)
      return plain(
        'unauthorized_client',
        "The client application is not allowed to use the specified 'response_type'.",
      );
    if (scopesOf(params).some((scope) => !app.scopes.includes(scope)))
      return plain('invalid_request', 'This client application is not allowed to use the specified scope.');
    return undefined;
  };
  let pushed = new URLSearchParams();
  /** An assertion for somebody else is refused with the error of a code that is not known. */
  async function assertion(asked: Asked, audienceError: string): Promise<Reply | undefined> {
    const jwt = asked.params.get('client_assertion');
    if (!jwt) return undefined;
    if (decodeProtectedHeader(jwt).typ !== 'client-authentication+jwt')
      return error(400, audienceError, 'The specified client assertion is of an unexpected type.');
    if (!audiences(jwt).includes(asked.issuer))
      return error(400, audienceError, 'The audience of the specified client assertion is not valid.');
    return (await proves(app, asked))
      ? undefined
      : error(401, 'invalid_client', 'The signature is not valid.');
  }
  const unknown = () => error(401, 'invalid_client', 'The specified client credentials are invalid.');
  return {
    async par(asked) {
      if (app.par === 'forbidden')
        return error(
          400,
          'unauthorized_client',
          'This client application is not allowed to use the pushed authorization endpoint.',
        );
      const refused = await assertion(asked, 'invalid_token');
      if (refused) return refused;
      if (!asked.params.has('client_assertion') && !(await proves(app, asked))) return unknown();
      pushed = asked.params;
      return { status: 201, json: { request_uri: 'urn:ietf:params:oauth:request_uri:x', expires_in: 60 } };
    },
    authorize({ params, origin }) {
      const viaPar = params.has('request_uri');
      if (!viaPar && app.par === 'required')
        return plain(
          'invalid_request',
          'Pushed authorization requests must be used by this client application.',
        );
      return (
        refusal(viaPar ? pushed : params) ?? { location: `${origin}/Identity/Account/Login?ReturnUrl=%2F` }
      );
    },
    async token(asked) {
      const refused = await assertion(asked, 'invalid_grant');
      if (refused) return refused;
      if (!asked.params.has('client_assertion') && !(await proves(app, asked))) return unknown();
      if (!app.codeFlow)
        return error(
          400,
          'unauthorized_client',
          'This client application is not allowed to use the specified grant type.',
        );
      return error(400, 'invalid_grant', 'The specified authorization code is invalid.');
    },
    endSession: ({ params }) =>
      params.get('post_logout_redirect_uri') === app.postLogout
        ? { location: `${app.postLogout}?state=${params.get('state')}` }
        : plain('invalid_request', "The specified 'post_logout_redirect_uri' is not valid."),
    ...more,
  };
}

/** Glewlwyd 2.7: says little, and often nothing at all. */
export function glewlwyd(app: Registration, more: Partial<Server> = {}): Server {
  return {
    path: '/api/oidc',
    metadata: { authorization_endpoint: '/auth' },
    par: async (asked) =>
      (await proves(app, asked, 'token_endpoint'))
        ? { status: 201, json: { request_uri: 'urn:x', expires_in: 90 } }
        : { status: 403 },
    authorize: ({ origin }) => ({ location: `${origin}/login.html?callback_url=x` }),
    token: async (asked) =>
      (await proves(app, asked, 'token_endpoint')) ? error(403, 'invalid_code') : { status: 403 },
    ...more,
  };
}

/** One that refuses in the words of a server of the table, and takes every address. */
export function plainServer(app: Registration, more: Partial<Server> = {}): Server {
  return {
    authorize: ({ params }) =>
      params.get('redirect_uri') === app.redirect
        ? { html: '<form>Log in</form>' }
        : { status: 400, html: '<p>Unregistered redirect_uri</p>' },
    token: async (asked) =>
      (await proves(app, asked)) ? error(400, 'invalid_grant', 'Bad code') : error(401, 'invalid_client'),
    ...more,
  };
}

/** Whether the request proves that it comes from the client. */
export async function proves(
  app: Registration,
  { params, headers, issuer }: Asked,
  audience: 'issuer' | 'token_endpoint' = 'issuer',
): Promise<boolean> {
  const jwt = params.get('client_assertion');
  if (jwt) {
    if (!audiences(jwt).includes(audience === 'issuer' ? issuer : `${issuer}/token`)) return false;
    return jwtVerify(jwt, app.key ?? {}).then(
      () => true,
      () => false,
    );
  }
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (basic) {
    const [id = '', secret = ''] = Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent);
    return app.methods.includes('basic') && id === app.clientId && secret === app.secret;
  }
  return (
    app.methods.includes('post') &&
    params.get('client_id') === app.clientId &&
    params.get('client_secret') === app.secret
  );
}

function audiences(jwt: string): string[] {
  return [decodeJwt(jwt).aud ?? []].flat();
}

function scopesOf(params: URLSearchParams): string[] {
  return (params.get('scope') ?? '').split(' ');
}
