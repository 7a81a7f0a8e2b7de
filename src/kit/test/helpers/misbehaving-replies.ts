import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as after } from 'node:timers/promises';
import type { Signing } from './misbehaving-keys.ts';

/** What an honest endpoint answers. */
export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  json?: Record<string, unknown>;
  body?: string;
}

/** What is wrong with the answer of one endpoint. */
export interface Lie {
  status?: number;
  headers?: Record<string, string>;
  /** Members that replace those of the honest JSON; undefined takes one out. */
  json?: Record<string, unknown>;
  /** Instead of the honest body. */
  body?: string;
  /** Done to the body last, such as packing it. */
  pack?: (body: Buffer) => Buffer;
  /**
   * `silent`: takes the request and says nothing. `trickle`: the headers, then a space every 100 ms, without end.
   * `flood`: as many spaces as the other side takes. `hang-up`: closes the connection.
   */
  manner?: 'silent' | 'trickle' | 'flood' | 'hang-up';
}

export type Parameter = string | readonly string[] | undefined;

/** What is wrong with an answer that is a signed JWT (OIDC_RESPONSE_MODE=jwt). Whatever is not named stays honest. */
export interface JwtLies {
  /** Claims to replace; undefined takes one out. A function is called when the answer is made. */
  claims?: Record<string, unknown> | (() => Record<string, unknown>);
  header?: Record<string, unknown>;
  sign?: Signing;
  /** Makes something else of the honest JWT; a list repeats `response`. */
  as?: (honest: string) => Parameter | Promise<Parameter>;
  /** Parameters beside it, made of those in it where that is a function; a list repeats one. */
  beside?: Record<string, Parameter | ((inside: string) => Parameter)>;
}

/** What is wrong with one sign-in. Whatever is not named stays honest. */
export interface Lies {
  /** Claims of the ID token to replace; undefined takes one out. */
  idToken?: Record<string, unknown>;
  header?: Record<string, unknown>;
  sign?: Signing;
  /** Parameters of the answer to replace; undefined leaves one out, a list repeats it. */
  answer?: Record<string, Parameter | ((honest: string) => Parameter)>;
  /** The JWT that the answer is, where the request asks for one. What `answer` replaces is in it. */
  jwt?: JwtLies;
  /** Userinfo as a signed JWT (OpenID Connect Core §5.3.2). */
  userinfoSigned?: Signing;
  /** Members of each published key to replace. */
  keys?: Record<string, unknown>;
  discovery?: Lie;
  jwks?: Lie;
  par?: Lie;
  token?: Lie;
  userinfo?: Lie;
  revocation?: Lie;
}

export const html: Lie = {
  headers: { 'content-type': 'text/html' },
  body: '<!doctype html><title>Gateway</title><h1>provider-says-maintenance</h1>',
};

/** Sends the honest answer with the lie in it. */
export async function send(res: ServerResponse, honest: Answer, lie: Lie = {}): Promise<void> {
  if (lie.manner === 'silent') return;
  if (lie.manner === 'hang-up') {
    res.destroy();
    return;
  }
  res.statusCode = lie.status ?? honest.status ?? 200;
  const headers = { 'content-type': 'application/json', ...honest.headers, ...lie.headers };
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  // Ends when the other side has had enough.
  if (lie.manner) return pipeline(Readable.from(spaces(lie.manner)), res).catch(() => {});
  const json = (honest.json || lie.json) && JSON.stringify({ ...honest.json, ...lie.json });
  const body = lie.body ?? honest.body ?? json;
  res.end(lie.pack ? lie.pack(Buffer.from(body ?? '')) : body);
}

async function* spaces(manner: 'trickle' | 'flood') {
  while (true) {
    yield manner === 'flood' ? ' '.repeat(65_536) : ' ';
    if (manner === 'trickle') await after(100);
  }
}
