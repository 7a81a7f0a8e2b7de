import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { examine } from '../../doctor/examine.ts';
import type { Finding } from '../../doctor/finding.ts';
import type { LoadedSite } from '../../load-site.ts';
import { freePort } from '../../testing/processes.ts';
import { bareEnv } from './bare-env.ts';
import {
  type MisbehavingProvider,
  type ProviderOptions,
  startMisbehavingProvider,
} from './misbehaving-provider.ts';
import type { Lies } from './misbehaving-replies.ts';

export type Env = Record<string, string | undefined>;

export const sessionSecret = randomBytes(32).toString('base64url');

/** The lines about one thing, such as `✗ issuer: …`. */
export function about(found: readonly Finding[], check: string): Finding[] {
  return found.filter((each) => each.check === check);
}

export interface Setup {
  lies?: Lies;
  op?: Partial<ProviderOptions>;
  env?: Env;
  loaded?: LoadedSite;
}

/** Settings that fit a provider that lies as told, and what the doctor says about the two. */
export async function examineStub(
  { lies, op: options, env, loaded }: Setup = {},
  prepare: (op: MisbehavingProvider) => Env | undefined = () => undefined,
): Promise<{ found: Finding[]; op: MisbehavingProvider; origin: string }> {
  const origin = `http://127.0.0.1:${await freePort()}`;
  const op = await startMisbehavingProvider({ appOrigin: origin, ...options });
  if (lies) op.next(lies);
  const more = prepare(op);
  try {
    const settings = {
      BASE_URL: origin,
      SESSION_SECRET: sessionSecret,
      OIDC_ISSUER: op.issuer,
      OIDC_CLIENT_ID: op.clientId,
      OIDC_CLIENT_SECRET: op.clientSecret,
    };
    const found = await examine({ ...settings, ...env, ...more }, loaded);
    expectMasked(found, [sessionSecret, op.clientSecret, ...op.secrets]);
    return { found, op, origin };
  } finally {
    await op.stop();
  }
}

/** Whatever the doctor is about, no secret stands in what it says. */
export function expectMasked(found: readonly Finding[], secrets: readonly string[]): void {
  const told = JSON.stringify(found);
  for (const secret of secrets) expect(told.includes(secret), 'a secret in what the doctor says').toBe(false);
}

export interface Ended {
  code: number;
  output: string;
  complaints: string;
}

/** `node src/kit/doctor/main.ts` in a process of its own. */
export async function runDoctor(env: Env, args: string[] = []): Promise<Ended> {
  const child = spawn(process.execPath, ['src/kit/doctor/main.ts', ...args], {
    env: Object.fromEntries(
      Object.entries({ ...bareEnv, ...env }).filter(([, value]) => value !== undefined),
    ),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, complaints, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code, output, complaints };
}
