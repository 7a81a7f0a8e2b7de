import { hash } from 'node:crypto';
import type { Apis, ApiToken } from '../provider/index.ts';
import type { AccessToken, ApiTokenRecord, TokenRecord } from '../store/index.ts';
import { isRecent } from './token-life.ts';

/** An API that wants an access token of its own. */
export interface Wanted {
  /** As in site.ts. */
  name: string;
  token: ApiToken;
}

/** The one that an API wants; undefined where it takes the access token of the sign-in. */
export function wantedBy(apis: Apis, name: string | undefined): Wanted | undefined {
  const token = name === undefined ? undefined : apis.get(name)?.token;
  return name === undefined || !token ? undefined : { name, token };
}

/** The access token that is kept for it, expired or not. */
export function tokenFor(record: TokenRecord, wanted: Wanted | undefined): AccessToken | undefined {
  return wanted ? keptFor(record, wanted)?.token : record;
}

/** What is kept for an API, if it was asked for as site.ts says now, with the present subject token. */
function keptFor(record: TokenRecord, wanted: Wanted): ApiTokenRecord | undefined {
  const { apis = {} } = record;
  const kept = Object.hasOwn(apis, wanted.name) ? apis[wanted.name] : undefined;
  return kept?.asked === askedWith(record, wanted) ? kept : undefined;
}

/** Why the provider has refused a token for it within the last minute, in which it is not asked again. */
export function failureOf(record: TokenRecord, wanted: Wanted): ApiTokenRecord['failed'] {
  const failed = keptFor(record, wanted)?.failed;
  return failed && isRecent(failed.at) ? failed : undefined;
}

/** When the latest of a record's tokens was got, or refused, epoch milliseconds. */
export function newestIn({ obtained_at = 0, apis = {} }: TokenRecord): number {
  const times = Object.values(apis).map(({ token, failed }) => failed?.at ?? token?.obtained_at ?? 0);
  return Math.max(obtained_at, ...times);
}

/** The record with what is known now of one API's token. What other APIs of site.ts have is kept (R13). */
export function withToken(
  record: TokenRecord,
  wanted: Wanted,
  found: Omit<ApiTokenRecord, 'asked'>,
  apis: Apis,
): TokenRecord {
  const others = Object.entries(record.apis ?? {}).filter(
    ([name]) => name !== wanted.name && apis.get(name)?.token,
  );
  const own = { asked: askedWith(record, wanted), ...found };
  return { ...record, apis: Object.fromEntries([...others, [wanted.name, own]]) };
}

function askedWith({ access_token }: TokenRecord, { token }: Wanted): string {
  const { scope, resource, audience, exchange } = token;
  return hash(
    'sha256',
    JSON.stringify([scope, resource, audience, exchange && access_token]),
    'base64url',
  ).slice(0, 22);
}
