import type { Express } from 'express';
import { createApp } from './app.ts';
import { type Config, ConfigError, loadConfig } from './config/index.ts';
import { trustCas } from './config/trusted-cas.ts';
import { SiteError } from './errors/site-error.ts';
import { type Folders, foldersOf } from './folders.ts';
import { listFiles } from './http/assets.ts';
import { withoutFloods } from './http/repeated-refusals.ts';
import { type Audit, createAudit, type Log, requestLog } from './log/index.ts';
import { kitPages } from './pages/kit-pages.ts';
import type { Page } from './pages/page.ts';
import { pageProblems } from './pages/page-problems.ts';
import type { Apis } from './provider/index.ts';
import { createProviders, type Providers } from './provider/providers.ts';
import { reachable } from './session/by-owner.ts';
import { auditOperatorEndings } from './session/operator-endings.ts';
import { rechecksDone } from './session/recheck.ts';
import type { Settings } from './session/register.ts';
import type { AnySite, Opened } from './site.ts';
import { readApis } from './site-apis.ts';
import { siteProblems } from './site-problems.ts';
import { proxyProblems } from './site-proxies.ts';
import {
  createNamer,
  createSealer,
  type ObserveCommand,
  type OpenMemory,
  openSessions,
  type Sessions,
} from './store/index.ts';
import { createTelemetry } from './telemetry/index.ts';

/** A site and its settings, checked. */
export interface CheckedSite {
  site: AnySite;
  config: Config;
  /** The site's pages and the kit's own. */
  pages: readonly Page[];
  apis: Apis;
  folders: Folders;
}

export interface Assembly {
  app: Express;
  providers: Providers;
  sessions: Sessions;
  /** Closes the provider, the site's own resources and the stores, in that order. */
  close(): Promise<void>;
}

/** What tests and the development server put in the place of a part. */
export interface Replacements {
  /** Puts something between the app and its sessions. */
  sessions?: (sessions: Sessions) => Sessions;
  /** Where sessions are kept without Redis. */
  memory?: OpenMemory;
}

/**
 * Reads the settings and looks at the site, at once.
 *
 * @param root the folder with the site's `views` and `public`
 * @throws ConfigError with every problem there is
 */
export function checkSiteAndSettings(site: AnySite, env: NodeJS.ProcessEnv, root?: string): CheckedSite {
  const folders = foldersOf(root);
  const problems = siteProblems(site);
  if (problems.length > 0) {
    throw new ConfigError([...problems, ...settingProblems(site, env)], { inSettings: false });
  }
  const config = loadConfig(env, site);
  const own: unknown = site.pages({ settings: config.own });
  const providers = config.providers.map(({ name }) => name);
  const wrong = pageProblems(own, folders, providers);
  if (wrong.length > 0) throw new ConfigError(wrong, { inSettings: false });
  const { apis, problems: wrongApis } = readApis(site.apis?.({ settings: config.own }) ?? {}, providers);
  wrongApis.push(...proxyProblems(apis, own as Page[], listFiles(folders.public)));
  if (wrongApis.length > 0) throw new ConfigError(wrongApis, { inSettings: false });
  const there = (own as Page[]).filter(({ when }) => when?.({ settings: config.own as Settings }) ?? true);
  return { site, config, folders, apis, pages: [...there, ...kitPages] };
}

/**
 * Opens the stores and what the site works with, connects the provider, and builds the app. Waits for neither Redis nor
 * the provider: while one is away, what needs it answers 503 (R14, R21). The app, its tests and the development server
 * are put together here and nowhere else.
 *
 * @param stopping true once the process is on its way out
 * @param workersStarted where this is one of several processes: have all started?
 * @param finishing aborted when running requests have to finish
 * @throws SiteError when the site's `open` or routes failed; ConfigError for routes whose rules do not fit the providers
 */
export async function assemble(
  checked: CheckedSite,
  log: Log,
  {
    stopping = () => false,
    workersStarted,
    finishing = new AbortController().signal,
    replacements = {},
  }: {
    stopping?: () => boolean;
    workersStarted?: () => boolean;
    finishing?: AbortSignal;
    replacements?: Replacements;
  } = {},
): Promise<Assembly> {
  const { config, site, pages, folders, apis } = checked;
  const telemetry = await createTelemetry(config, apis);
  const audit = telemetry.measuredAudit(createAudit(log));
  const closers: Closer[] = [() => telemetry.close()];
  const close = () => closeAll(closers);
  try {
    closers.push(trustCas(config.extraCas, log));
    const { secrets } = config.session;
    const stored = telemetry.measuredSessions(
      await openStore(config, log, audit, replacements.memory, telemetry.redisCommand),
    );
    const sessions = replacements.sessions?.(stored) ?? stored;
    closers.push(() => sessions.close(), reachable(sessions), auditOperatorEndings(sessions, audit));
    const opened = await openSite(site, config, log);
    closers.push(() => opened.close?.());
    const { baseUrl } = config;
    const providers = createProviders(
      config.providers,
      { baseUrl, log, audit, onCall: telemetry.providerCall },
      telemetry.tracedProvider,
    );
    closers.push(
      () => providers.close(),
      () => rechecksDone(sessions),
    );
    const limited = withoutFloods(audit);
    // The first to be closed: nothing that hangs may keep it from the log.
    closers.push(limited.close);
    const app = createApp({
      ...{
        config,
        site,
        pages,
        folders,
        apis,
        log,
        audit: limited.audit,
        providers,
        sessions,
        stopping,
        workersStarted,
        finishing,
      },
      data: opened.data,
      logRequests: (app, trusted, askerOf) => requestLog(log, app, trusted, askerOf, telemetry.bound),
      requestTelemetry: telemetry.requests,
      sealer: (use) => createSealer(secrets, use),
      namer: (use) => createNamer(secrets, use),
    });
    return { app, providers, sessions, close };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

type Closer = () => unknown;

/** The last that was opened first, as it may use the earlier. One that fails stops no other. */
async function closeAll(closers: Closer[]): Promise<void> {
  const failures: unknown[] = [];
  for (const closer of closers.splice(0).reverse()) {
    try {
      await closer();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Where sessions are kept, as the settings say. The operator's commands open it without the rest of the app. */
export function openStore(
  config: Config,
  log: Log,
  audit: Audit,
  memory?: OpenMemory,
  observe?: ObserveCommand,
): Promise<Sessions> {
  const { secrets, idleMinutes, maxHours } = config.session;
  return openSessions({
    redis: config.redis,
    secrets,
    idleSeconds: idleMinutes * 60,
    maxSeconds: maxHours * 3600,
    log,
    audit,
    memory,
    observe,
  });
}

/**
 * Opens what the site works with.
 *
 * @throws SiteError, with what `open` threw as its cause
 */
export async function openSite(site: AnySite, config: Config, log: Log): Promise<Opened<unknown>> {
  if (!site.open) return { data: undefined };
  let opened: unknown;
  try {
    opened = await site.open({ settings: config.own, log });
  } catch (cause) {
    throw new SiteError('what `open` in site.ts opens could not be opened', { cause });
  }
  if (typeof opened !== 'object' || opened === null) {
    throw new SiteError('`open` in site.ts must return an object: { data, close }');
  }
  if (!('data' in opened)) {
    throw new SiteError('`open` in site.ts must return what pages get as `data`: { data, close }');
  }
  if ('close' in opened && opened.close !== undefined && typeof opened.close !== 'function') {
    throw new SiteError(
      '`close` of what `open` in site.ts returns must be a function: { data, close: () => … }',
    );
  }
  return opened as Opened<unknown>;
}

function settingProblems(site: AnySite, env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(env, site ?? undefined);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
