import { freePort } from '../../testing/processes.ts';
import { type Browser, createBrowser } from './browser.ts';
import { type MisbehavingProvider, startMisbehavingProvider } from './misbehaving-provider.ts';
import { type OtlpReceiver, startOtlpReceiver } from './otlp-receiver.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { type StubApi, startStubApi } from './stub-api.ts';

export interface OtlpApp {
  receiver: OtlpReceiver;
  op: MisbehavingProvider;
  api: StubApi;
  server: ServerProcess;
  browser: Browser;
  open(path: string, headers?: Record<string, string>): ReturnType<Browser['get']>;
}

export const sessionSecret = 'a-secret-of-sessions-that-nobody-may-see-0123456789';

/**
 * The app in a process of its own that sends its telemetry to a receiver, with a provider and an API. All of it ends with
 * `use`, which may stop the server itself: then everything has been sent.
 */
export async function withOtlpApp(
  env: Record<string, string | undefined>,
  use: (at: OtlpApp) => Promise<void>,
  launch: Parameters<typeof startServer>[1] = {},
): Promise<void> {
  const port = await freePort();
  const stops: (() => Promise<unknown>)[] = [];
  const opened = <T extends { stop(): Promise<unknown> }>(part: T) => {
    stops.unshift(() => part.stop());
    return part;
  };
  try {
    const receiver = opened(await startOtlpReceiver());
    const op = opened(await startMisbehavingProvider({ appOrigin: `http://127.0.0.1:${port}` }));
    const api = opened(await startStubApi());
    const settings = {
      OIDC_ISSUER: op.issuer,
      OIDC_CLIENT_ID: op.clientId,
      OIDC_CLIENT_SECRET: op.clientSecret,
      SESSION_SECRET: sessionSecret,
      SESSION_RECHECK_MINUTES: '0',
      API_URL: `${api.url}/private/path`,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_BSP_SCHEDULE_DELAY: '100',
      ...env,
    };
    const server = opened(await startServer(settings, { ...launch, port }));
    const browser = createBrowser();
    const open: OtlpApp['open'] = (path, headers = {}) => browser.get(server.origin + path, { headers });
    await use({ receiver, op, api, server, browser, open });
  } finally {
    for (const stop of stops) await stop();
  }
}
