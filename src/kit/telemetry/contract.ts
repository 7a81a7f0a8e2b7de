import type { Audit, Log } from '../log/index.ts';
import type { Provider, ProviderCall } from '../provider/index.ts';
import type { ObserveCommand, Sessions } from '../store/index.ts';
import type { requestTelemetry } from './requests.ts';

/** What the app is measured with. Without an SDK it hands everything back as it was, and has no hooks. */
export interface Telemetry {
  /** Audit events are counted as they are written. */
  measuredAudit(audit: Audit): Audit;
  /** Each request reads its session first, so a store that fails shows there. */
  measuredSessions(sessions: Sessions): Sessions;
  tracedProvider(provider: Provider): Provider;
  providerCall?: (call: ProviderCall) => void;
  redisCommand?: ObserveCommand;
  requests?: ReturnType<typeof requestTelemetry>;
  /** Has something run later in the trace of the request that is running now. */
  bound?: (work: () => void) => () => void;
  close(): void;
}

/** OpenTelemetry's SDK, or what stands for it where there is none. */
export interface Attached {
  /** What each log line bears besides. */
  logFields: (() => object) | undefined;
  /** Says in the log what is to be said about it, from now on. */
  sayIn(log: Log): void;
  /** Sends what is left, in less than a second. */
  stop(): Promise<void>;
}
