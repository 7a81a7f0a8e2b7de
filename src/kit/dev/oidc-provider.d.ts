/** oidc-provider brings no types; these are the parts that the development provider uses. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';
  import type { Socket } from 'node:net';

  export interface ClientMetadata {
    client_id: string;
    client_secret?: string;
    redirect_uris: string[];
    [name: string]: unknown;
  }

  export interface Configuration {
    clients?: ClientMetadata[];
    features?: Record<string, object>;
    ttl?: Record<string, number | ((ctx: Context, token: Token, client: Client) => number)>;
    [name: string]: unknown;
  }

  export type Payload = Record<string, unknown>;

  export interface Token extends Payload {
    jti: string;
    iat?: number;
    exp?: number;
    kind: string;
    accountId: string;
    expiration: number;
    scopes: Set<string>;
    scope?: string;
    clientId: string;
    /** The thumbprint of the key that it is bound to. */
    jkt?: string;
    /** Its claims beside the library's own. */
    extra?: Payload;
    save(): Promise<string>;
    resourceServer?: { accessTokenTTL?: number };
  }

  export interface Client {
    clientId: string;
    clientName?: string;
    clientUri?: string;
    backchannelLogoutUri?: string;
    grantTypeAllowed(type: string): boolean;
    [name: string]: unknown;
  }

  export interface Session {
    id: string;
    uid: string;
    accountId?: string;
    acr?: string;
    state?: { secret?: string; postLogoutRedirectUri?: string; state?: string };
    destroy(): Promise<void>;
  }

  export interface Grant {
    addOIDCScope(scope: string): void;
    addOIDCClaims(claims: string[]): void;
    addResourceScope(resource: string, scope: string): void;
    save(): Promise<string>;
  }

  export interface IdToken {
    mask: Record<string, null>;
    set(claim: string, value: unknown): void;
    issue(options: { use: 'idtoken' | 'logout' }): Promise<string>;
  }

  export interface Interaction {
    uid: string;
    prompt: { name: string; reasons: string[] };
    params: Record<string, string | undefined>;
    session?: { accountId: string };
  }

  /** What keeps how and when its user signed in. */
  export interface SignInRecord {
    scope?: string;
    acr?: string;
    authTime?: number;
  }

  /** Koa's context with the provider's own part. */
  export interface Context {
    req: IncomingMessage & { socket: Socket };
    status: number;
    type: string;
    body: unknown;
    cookies: { set(name: string, value: null, options?: object): void };
    redirect(url: string): void;
    set(headers: Readonly<Record<string, string>>): void;
    oidc: {
      provider: Provider;
      urlFor(route: string): string;
      client: Client;
      session: Session;
      acr?: string;
      params: Record<string, string | undefined>;
      result?: Record<string, unknown>;
      requestParamClaims: Set<string>;
      requestParamOIDCScopes: Set<string>;
      resourceServers: Record<string, { scope: string }>;
      entities: {
        IdTokenHint?: { payload: { sub: string } };
        Client?: Client;
        AuthorizationCode?: SignInRecord;
        RefreshToken?: SignInRecord;
        /** Of a token exchange; not the library's. */
        SubjectToken?: Token;
      };
      entity(name: string, value: unknown): void;
    };
  }

  export class Provider {
    constructor(issuer: string, configuration: Configuration);
    readonly issuer: string;
    readonly OIDCContext: { prototype: object };
    readonly Client: { find(id: string): Promise<Client | undefined> };
    readonly Grant: new (of: {
      accountId: string;
      clientId: string;
    }) => Grant;
    readonly IdToken: new (
      claims: Payload,
      of: { client: Client; ctx: undefined },
    ) => IdToken;
    readonly AccessToken: {
      new (of: object): Token;
      readonly IN_PAYLOAD: string[];
      find(value: string): Promise<Token | undefined>;
    };
    readonly ResourceServer: new (
      identifier: string,
      of: object,
    ) => object;
    registerGrantType(
      name: string,
      handler: (ctx: Context) => Promise<void>,
      parameters: readonly string[],
    ): void;
    callback(): (req: IncomingMessage, res: ServerResponse) => void;
    cookieName(type: 'session'): string;
    on(event: 'access_token.issued', listener: (token: Token) => void): this;
    on(event: string, listener: (...values: never[]) => void): this;
    interactionDetails(req: IncomingMessage, res: ServerResponse): Promise<Interaction>;
    interactionFinished(
      req: IncomingMessage,
      res: ServerResponse,
      result: Record<string, unknown>,
      options?: { mergeWithLastSubmission: boolean },
    ): Promise<void>;
  }

  export default Provider;

  export const errors: Record<
    'InvalidTarget' | 'InvalidRequest' | 'InvalidScope',
    new (
      description?: string,
      scope?: string,
    ) => Error
  >;

  export namespace interactionPolicy {
    class Check {
      constructor(reason: string, description: string, check: (ctx: Context) => boolean);
    }
    class Prompt {
      constructor(of: { name: string; requestable: boolean });
      checks: { add(check: Check): void; clear(): void };
    }
    function base(): { get(name: string): Prompt; add(prompt: Prompt, index?: number): void };
  }
}
