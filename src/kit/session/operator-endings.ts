import type { Audit } from '../log/index.ts';
import type { OperatorNote, Sessions } from '../store/index.ts';

/** Where nothing else has it look. */
const everyMs = 30_000;
/** Whatever has it look, there are so many milliseconds between two commands to the store. */
const leastPauseMs = 5_000;

/**
 * Has the log of the running app say what `npm run sessions` has ended elsewhere: once, whichever instance looks first.
 * It looks when a probe asks about the store anyway, when somebody comes whose session is gone, and twice a minute. No
 * page of somebody who is signed in, or of a visitor, costs a command more. Without Redis nobody else can end a session.
 *
 * @returns stops it
 */
export function auditOperatorEndings(
  sessions: Pick<Sessions, 'command' | 'operatorNotes' | 'store' | 'check'>,
  audit: Audit,
  { pauseMs = everyMs, leastMs = leastPauseMs }: { pauseMs?: number; leastMs?: number } = {},
): () => Promise<void> {
  if (!sessions.command) return async () => {};
  let looking: Promise<void> | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let stopped = false;
  const tellAll = async () => {
    for (const note of await sessions.operatorNotes.take()) tell(note, audit);
  };
  const look = () => {
    if (stopped || looking || performance.now() - lookedAt < leastMs) return;
    lookedAt = performance.now();
    // A store that is away has its own line, and the note is still there when it comes back.
    looking = tellAll()
      .catch(() => {})
      .finally(() => {
        looking = undefined;
      });
  };
  lookWhenAsked(sessions, look);
  const timer = setInterval(look, pauseMs).unref();
  return async () => {
    stopped = true;
    clearInterval(timer);
    // What one has taken, no other instance will say.
    await looking;
  };
}

function lookWhenAsked(sessions: Pick<Sessions, 'store' | 'check'>, look: () => void): void {
  const { store } = sessions;
  const get = store.get.bind(store);
  store.get = (id, done) =>
    get(id, (error, session) => {
      if (!error && !session) look();
      done(error, session);
    });
  const check = sessions.check.bind(sessions);
  sessions.check = () => {
    look();
    return check();
  };
}

function tell({ at, endings, sessions }: OperatorNote, audit: Audit): void {
  const about = { reason: 'operator', by: 'npm run sessions', ended_at: new Date(at).toISOString() };
  for (const { iss, sub, session } of endings) audit('session.ended', { iss, sub, session, ...about });
  if (sessions > endings.length) audit('session.ended', { sessions, ...about });
}
