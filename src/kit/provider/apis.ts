/** How an access token for one API is asked for. */
export interface ApiToken {
  /** Scopes, where these say which API a token is for (Microsoft Entra). */
  scope?: string | undefined;
  /** RFC 8707. */
  resource?: string | undefined;
  /** As Auth0 calls it. */
  audience?: string | undefined;
  /** By token exchange (RFC 8693), not with the refresh token. */
  exchange?: true | undefined;
}

/** Where scripts of our own pages reach an API through this app. */
export interface ApiProxy {
  /** An address of this app, without a slash at its end. */
  path: string;
  /** Header names that pass besides the usual ones, in lower case. */
  requestHeaders: readonly string[];
  answerHeaders: readonly string[];
}

export interface Api {
  /** Undefined: it is not set up. */
  url: URL | undefined;
  /** The names of the providers whose access tokens it takes. Another one's is never sent there. */
  providers: readonly string[];
  /** Undefined: it takes the access token of the sign-in. */
  token?: ApiToken | undefined;
  proxy?: ApiProxy | undefined;
}

/** The site's APIs by name. */
export type Apis = ReadonlyMap<string, Api>;
