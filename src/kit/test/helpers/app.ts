import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { checkSiteAndSettings } from '../../assembly.ts';
import { type Config, readRedisAddress } from '../../config/index.ts';
import { foldersOf } from '../../folders.ts';
import { type AuditEvent, createLog } from '../../log/index.ts';
import type { AnySite } from '../../site.ts';
import { start } from '../../start.ts';
import { freePort } from '../../testing/processes.ts';
import { site } from '../site/site.ts';

/** Where the test site keeps its views and public files. */
export const siteFolder = fileURLToPath(new URL('../site', import.meta.url));

export const testFolders = foldersOf(siteFolder);

/** One line of the app's log. */
export type LogLine = { level: Level; msg: string; event?: AuditEvent; reason?: string } & Record<
  string,
  unknown
>;

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

const levels: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** Picks the lines of this level and above. */
export function atLeast(level: Level): (line: Pick<LogLine, 'level'>) => boolean {
  return (line) => levels.indexOf(line.level) >= levels.indexOf(level);
}

export interface TestApp {
  /** What BASE_URL says, and where the app listens. */
  origin: string;
  /** An address of the app. */
  url(path: string): string;
  /** Everything that was logged so far. */
  lines: LogLine[];
  /** The audit events of this name so far. */
  events(name: AuditEvent): LogLine[];
  stop(): Promise<void>;
}

/**
 * The whole app, as `npm start` runs it, on a free port and with sessions in memory.
 * A setting of `undefined` is left out.
 */
export async function startApp(
  env: Record<string, string | undefined>,
  port?: number,
  parts?: Partial<AnySite>,
): Promise<TestApp> {
  const { origin, lines, checked, log, expectSoundLog } = await prepareApp(env, port, parts);
  const { stop } = await start(checked, log);
  return {
    origin,
    url: (path) => origin + path,
    lines,
    events: (name) => lines.filter((line) => line.event === name),
    async stop() {
      await stop();
      expectSoundLog();
    },
  };
}

/**
 * Settings on a free port, and a log that a test can read.
 *
 * @param parts what the test site is to have besides, or instead
 */
export async function prepareApp(
  env: Record<string, string | undefined>,
  port?: number,
  parts: Partial<AnySite> = {},
) {
  const listenOn = port ?? (await freePort());
  const origin = `http://127.0.0.1:${listenOn}`;
  const lines: LogLine[] = [];
  const settings = {
    BASE_URL: origin,
    HOST: '127.0.0.1',
    PORT: String(listenOn),
    SESSION_SECRET: randomBytes(32).toString('hex'),
    LOG_LEVEL: 'debug',
    ...env,
  };
  const checked = checkSiteAndSettings({ ...site, ...parts }, settings, siteFolder);
  const doubled: string[] = [];
  const write = (text: string) => {
    const line: LogLine = JSON.parse(text);
    lines.push(line);
    const plain = text.trimEnd().replace(/\\u[0-9a-f]{4}/g, 'u');
    if (
      JSON.stringify(line).replace(/\\u[0-9a-f]{4}|[\u007f-\uffff]/g, 'u').length !==
      plain.replace(/[\u007f-\uffff]/g, 'u').length
    )
      doubled.push(text);
  };
  const log = createLog(checked.config.logLevel, { write });
  /** Whatever a test is about, this is so by the time its app stops. */
  const expectSoundLog = () => {
    expectNoSecrets(lines, checked.config);
    expect(doubled, 'log lines with a field twice, which some log stores refuse').toEqual([]);
  };
  return { origin, listenOn, lines, checked, log, expectSoundLog };
}

/**
 * Whatever a test is about, its app has logged nothing secret by the time it stops (R20): none of its settings'
 * secrets, and nothing that looks like a token, a session cookie or the query of an answer.
 */
export function expectNoSecrets(lines: readonly LogLine[], { providers, session, redis }: Config): void {
  const log = JSON.stringify(lines);
  const passwords = redis.urls.map((url) => readRedisAddress(url)?.password);
  for (const secret of [
    ...providers.map(({ clientSecret }) => clientSecret),
    ...session.secrets,
    ...passwords,
  ]) {
    if (!secret || secret.length < 12) continue;
    expect(log.includes(JSON.stringify(secret).slice(1, -1)), 'a secret of the settings in the log').toBe(
      false,
    );
  }
  expect(log, 'a token in the log').not.toMatch(/eyJ[\w-]{10,}\.[\w-]{10,}/);
  expect(log, 'a session cookie in the log').not.toMatch(/s(:|%3A)[\w-]{24,}\./i);
  expect(log, 'a query in the log').not.toMatch(/[?&](code|state|id_token_hint|request_uri)=[^"&]{8,}/i);
}
