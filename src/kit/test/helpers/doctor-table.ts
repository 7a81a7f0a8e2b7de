import { expect } from 'vitest';
import { examine } from '../../doctor/examine.ts';
import { toLine } from '../../doctor/finding.ts';
import { freePort } from '../../testing/processes.ts';
import { type DoctorProvider, type Server, startDoctorProvider } from './doctor-provider.ts';
import { type Env, expectMasked, sessionSecret } from './doctor-run.ts';
import type { Registration } from './doctor-servers.ts';

type Model = (app: Registration, more?: Partial<Server>) => Server;

/** One row of a table of mistakes. */
export interface Row {
  server: Model;
  /** What the registration at the server has otherwise than it should. */
  app?: Partial<Registration>;
  more?: Partial<Server>;
  env?: Env;
  /** Lines that must be there. */
  lines: RegExp[];
  /** Words that no line may have. */
  not?: RegExp;
  /** What no line may show, besides the secrets that each row has. */
  secrets?: readonly string[];
  /** The exit code. */
  exit: 0 | 1;
}

const clientSecret = 'a-secret-with-%-and-+-in-it';
const running: DoctorProvider[] = [];

export async function stopProviders(): Promise<void> {
  for (const provider of running.splice(0)) await provider.stop();
}

/** What the doctor says about an app with this registration at this server. */
export async function runRow({ server, app, more, env, secrets = [] }: Omit<Row, 'lines' | 'exit'>) {
  const origin = `http://127.0.0.1:${await freePort()}`;
  const registration: Registration = {
    redirect: `${origin}/auth/callback`,
    postLogout: `${origin}/signed-out`,
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    clientId: 'web-app',
    secret: env?.OIDC_CLIENT_SECRET ?? clientSecret,
    confidential: true,
    methods: ['basic', 'post'],
    enabled: true,
    codeFlow: true,
    pkce: 'S256',
    requestObject: false,
    dpop: false,
    par: 'allowed',
    realm: true,
    ...app,
  };
  const provider = await startDoctorProvider(server(registration, more));
  running.push(provider);
  const found = await examine({
    BASE_URL: origin,
    SESSION_SECRET: sessionSecret,
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: 'web-app',
    OIDC_CLIENT_SECRET: clientSecret,
    OIDC_SCOPE: 'openid profile email',
    ...env,
  });
  expectMasked(found, [sessionSecret, clientSecret, ...secrets]);
  return {
    provider,
    lines: found.map(toLine),
    exit: found.some(({ state }) => state === 'failed') ? 1 : 0,
  };
}

export async function expectRow({ lines: expected, exit, not, ...setup }: Row) {
  const { lines, exit: code } = await runRow(setup);
  for (const line of expected) {
    expect(
      lines.filter((each) => line.test(each)),
      `${line} in\n${lines.join('\n')}`,
    ).toHaveLength(1);
  }
  expect(code, lines.join('\n')).toBe(exit);
  if (not) expect(lines.filter((each) => not.test(each))).toEqual([]);
  // Nothing else fails because of the one mistake.
  const crosses = lines.filter((line) => line.startsWith('✗'));
  expect(crosses.length, crosses.join('\n')).toBe(
    expected.filter(({ source }) => source.startsWith('^✗')).length,
  );
}
