import type { Alg } from './misbehaving-keys.ts';
import type { Profile } from './misbehaving-profiles.ts';
import type { Answer, Lie, Lies } from './misbehaving-replies.ts';

export type Endpoint =
  | 'discovery'
  | 'authorization'
  | 'par'
  | 'token'
  | 'userinfo'
  | 'jwks'
  | 'revocation'
  | 'end_session'
  /** A downstream API that takes the access tokens. */
  | 'api'
  /** Where lies lead; an app has no business there. */
  | 'elsewhere';

/** One sign-in, found by its code and its tokens. */
export interface Grant {
  request: URLSearchParams;
  lies: Lies;
}

export interface ProviderState {
  origin: string;
  appOrigin: string;
  clientId: string;
  clientSecret: string;
  alg: Alg;
  profile: Profile;
  oneKey?: boolean;
  noKid?: boolean;
  par?: boolean;
  callbackPath?: string;
  anyRedirect?: boolean;
  family?: string | undefined;
  takesAssertion?: (assertion: string) => boolean;
  refusesClients?: Answer;
  noDate?: boolean;
  /** Counts the rotations of the keys. */
  turn: number;
  clockAhead: number;
  nextLies: Lies | undefined;
  /** Of the sign-in that began last. */
  lies: Lies;
  nextRefreshLies: Lies;
  /** What is wrong with the API's answer to an access token. */
  apiLie: ((accessToken: string) => Lie | undefined) | undefined;
  grants: Map<string, Grant>;
  pushed: Map<string, URLSearchParams>;
  secrets: string[];
  calls: Record<Endpoint, number>;
  latest: Partial<Record<Endpoint, URLSearchParams>>;
  proofs: string[];
  received: string[];
  takenOver: Partial<Record<Endpoint, TakeOver>>;
}

/** Makes another answer of the honest one. */
export type TakeOver = (honest: Reply, params: URLSearchParams) => Reply | Promise<Reply>;

/** The honest answer, and what is to be wrong with it. */
export type Reply = Answer & { lie?: Lie | undefined };
