/**
 * How well-known providers differ from the plain one, as far as an app sees it. Each is a profile of the stub,
 * so that the quirk is tested without an account there.
 */
export interface Profile {
  /** Goes by this name, on https; by default it is plain http on loopback. */
  host?: string;
  /** Path of the issuer, as the provider writes it: some end in a slash, some have no path. */
  issuerPath: string;
  /** Path that the discovery document is found under, when it is not the issuer's own. */
  discoveryPath?: string;
  /** Metadata to replace; undefined takes a member out. A text that begins with `/` is a path of the stub. */
  metadata: Record<string, unknown>;
  /** Members that each published key has besides the usual ones. */
  keys?: Record<string, unknown>;
  /** Claims of the ID token to replace or add; the issuer may hold `{tenantid}`, filled in from `tid`. */
  idToken: Record<string, unknown>;
  userinfo: Record<string, unknown>;
  /** Parameters that the answer carries besides code and state; `iss` stands for the issuer. */
  answer: Record<string, string>;
  /** The provider refuses a request for any other scope; undefined lets all pass. */
  scopes?: readonly string[];
  /** Says no to a sign-out without this parameter. */
  endSessionNeeds?: 'id_token_hint' | 'client_id' | 'logout_uri';
  /** Keeps the refresh token as it is. */
  keepsRefreshToken?: boolean;
}

const person = { name: 'Ada Example', email: 'ada@example.com', email_verified: true };

/** Does everything that this app can use. */
export const plain: Profile = {
  issuerPath: '',
  metadata: {},
  idToken: { ...person, roles: ['admin'] },
  userinfo: { ...person, roles: ['admin'] },
  answer: { iss: 'iss' },
};

const noEndSession = { end_session_endpoint: undefined };
const unadvertisedIss = { authorization_response_iss_parameter_supported: undefined };
const noPar = { pushed_authorization_request_endpoint: undefined };

export const google: Profile = {
  issuerPath: '',
  metadata: { ...noEndSession, ...unadvertisedIss, ...noPar },
  idToken: { ...person, azp: 'client_id', hd: 'example.com', sid: undefined },
  userinfo: { ...person, picture: 'https://pictures.example.com/a', hd: 'example.com' },
  answer: { iss: 'iss', scope: 'email profile openid', authuser: '0', hd: 'example.com', prompt: 'none' },
  // offline_access is refused there: a refresh token is asked for by access_type=offline.
  scopes: ['openid', 'profile', 'email'],
  keepsRefreshToken: true,
};

export const homeTenant = '11111111-2222-4333-8444-555555555555';
export const foreignTenant = '99999999-2222-4333-8444-555555555555';

export const entra: Profile = {
  issuerPath: '/{tenantid}/v2.0',
  discoveryPath: '/organizations/v2.0',
  metadata: {
    ...unadvertisedIss,
    ...noPar,
    code_challenge_methods_supported: undefined,
    revocation_endpoint: undefined,
    frontchannel_logout_supported: true,
  },
  // Each key says whose tokens it signs.
  keys: { issuer: '/{tenantid}/v2.0' },
  idToken: {
    ...person,
    tid: homeTenant,
    oid: '0000-ada',
    ver: '2.0',
    roles: ['admin'],
  },
  userinfo: { ...person, picture: 'https://graph.example.com/me/photo' },
  answer: { session_state: 'a-session-state' },
};

export const auth0: Profile = {
  issuerPath: '/',
  metadata: { ...unadvertisedIss, ...noPar, end_session_endpoint: '/oidc/logout' },
  // Claims of one's own need a namespace, which is a name full of dots and not a path.
  idToken: { ...person, 'https://app.example.com/roles': ['admin'] },
  userinfo: { ...person, 'https://app.example.com/roles': ['admin'], updated_at: '2026-01-01T00:00:00.000Z' },
  answer: {},
  endSessionNeeds: 'client_id',
};

export const okta: Profile = {
  issuerPath: '/oauth2/default',
  metadata: { ...unadvertisedIss, end_session_endpoint: '/oauth2/default/v1/logout' },
  idToken: {
    ...person,
    ver: 1,
    jti: 'ID.1',
    amr: ['pwd', 'mfa'],
    idp: '00o1',
    groups: ['Everyone', 'admin'],
  },
  userinfo: { ...person, locale: 'en-US', zoneinfo: 'Europe/Zurich', groups: ['Everyone', 'admin'] },
  answer: {},
  endSessionNeeds: 'id_token_hint',
};

export const keycloak: Profile = {
  issuerPath: '/realms/example',
  metadata: { backchannel_logout_supported: true, backchannel_logout_session_supported: true },
  idToken: {
    ...person,
    typ: 'ID',
    azp: 'client_id',
    acr: '1',
    realm_access: { roles: ['admin', 'offline_access'] },
  },
  userinfo: { ...person, preferred_username: 'ada', realm_access: { roles: ['admin', 'offline_access'] } },
  answer: { iss: 'iss', session_state: 'a-session-state' },
  endSessionNeeds: 'id_token_hint',
};

export const cognito: Profile = {
  host: 'cognito-idp.eu-central-1.amazonaws.com',
  issuerPath: '/eu-central-1_Example',
  metadata: {
    ...unadvertisedIss,
    ...noPar,
    code_challenge_methods_supported: undefined,
    scopes_supported: ['openid', 'email', 'phone', 'profile'],
  },
  idToken: {
    ...person,
    token_use: 'id',
    'cognito:username': 'ada',
    'cognito:groups': ['admin'],
    sid: undefined,
  },
  // A boolean as a text, as it is written there.
  userinfo: { ...person, email_verified: 'true', username: 'ada' },
  answer: {},
  scopes: ['openid', 'profile', 'email', 'phone', 'aws.cognito.signin.user.admin'],
  endSessionNeeds: 'logout_uri',
  keepsRefreshToken: true,
};

export const clerk: Profile = {
  issuerPath: '',
  metadata: { ...noEndSession, ...unadvertisedIss, ...noPar },
  // Little in the ID token: who it is stands in userinfo.
  idToken: { sid: undefined },
  userinfo: { ...person, user_id: 'user-1', public_metadata: { roles: ['admin'] } },
  answer: {},
};

export const duende: Profile = {
  issuerPath: '',
  metadata: { check_session_iframe: '/connect/checksession', frontchannel_logout_supported: true },
  // A claim with one value is a text, not a list.
  idToken: { amr: ['pwd'], idp: 'local', role: 'admin' },
  userinfo: { ...person, role: 'admin', preferred_username: 'ada' },
  answer: { iss: 'iss', session_state: 'a.session.state', scope: 'openid profile email offline_access' },
  endSessionNeeds: 'id_token_hint',
};

export const openiddict: Profile = {
  issuerPath: '/',
  metadata: { end_session_endpoint: '/connect/logout' },
  idToken: { ...person, azp: 'client_id', oi_au_id: 'a1', oi_tkn_id: 't1', role: ['admin'], sid: undefined },
  userinfo: { ...person, role: ['admin'] },
  answer: { iss: 'iss' },
};

export const gitlab: Profile = {
  issuerPath: '',
  metadata: { ...noEndSession, ...unadvertisedIss, ...noPar },
  idToken: { ...person, sub_legacy: 'abc', groups_direct: ['admin'], sid: undefined },
  userinfo: { ...person, nickname: 'ada', groups: ['admin', 'admin/inner'] },
  answer: {},
  scopes: ['openid', 'profile', 'email'],
};
