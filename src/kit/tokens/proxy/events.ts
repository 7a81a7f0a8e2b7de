import type { Request, Response } from 'express';
import { languageOf } from '../../http/request-language.ts';
import type { Log } from '../../log/index.ts';
import { authOf } from '../../session/context.ts';
import { recheckWhileOpen } from '../../session/recheck.ts';
import type { UserSession } from '../../session/user.ts';
import type { Sessions } from '../../store/index.ts';

/** How often a session with open streams is looked at, in milliseconds: its end ends them within ten seconds. */
const lookEveryMs = 3_000;
/**
 * Streams end when the store has not answered for so long: the session may have ended. It must stay below ten seconds
 * with the next look, and the two seconds that a look may take to fail.
 */
const longestDoubtMs = 5_000;

/** Of one session, in one process. Browsers open far fewer. With one more, the oldest ends. */
const mostStreams = 100;

/** A call that takes so long is watched too, in milliseconds: its body or its answer may go on for minutes under any type. */
export const longCallMs = 3_000;

/** The open streams of one session. */
interface Watched {
  /** Makes the recheck where it is due. */
  mayGoOn(user: UserSession): Promise<boolean>;
  streams: Set<Response>;
  /** The answers of other calls, which are broken off, so that no part is taken for the whole. */
  calls: Set<Response>;
  timer: NodeJS.Timeout;
  /** When the store last said that the session goes on. */
  seenAt: number;
}

export type EventStreams = ReturnType<typeof createEventStreams>;

/** Whether an answer is an event stream, which has no end of its own. */
export function isEventStream(contentType = ''): boolean {
  return /^\s*text\/event-stream\b/i.test(contentType);
}

/**
 * Ends event streams when their session has ended, however that came about, and when the app stops; other calls that
 * take long, when their session has ended. Looking does not move a session's idle end (R9), and is done once for all of
 * a session. Where its recheck is due it is made: somebody who was taken out must not read on for as long as they ask for
 * nothing else.
 *
 * @param finishing aborted when the app stops
 */
export function createEventStreams(sessions: Sessions, finishing: AbortSignal, log: Log) {
  const bySession = new Map<string, Watched>();

  // A stream that its page does not read cannot end in order: the next look breaks it off.
  const endAll = ({ streams }: Watched) => {
    for (const stream of streams) {
      if (stream.writableEnded) stream.destroy();
      else stream.end();
    }
  };

  async function look(id: string, watched: Watched): Promise<void> {
    try {
      const user = (await sessions.look(id))?.user;
      if (!user || !(await watched.mayGoOn(user))) {
        for (const call of watched.calls) call.destroy();
        return endAll(watched);
      }
      watched.seenAt = Date.now();
    } catch {
      if (Date.now() - watched.seenAt < longestDoubtMs) return;
      log.warn('event streams were ended: the store does not say whether their session goes on');
      endAll(watched);
    }
  }

  function watch(req: Request, id: string): Watched {
    const [{ context }, due] = [authOf(req), { id, language: languageOf(req) }];
    const watched: Watched = {
      ...{ streams: new Set(), calls: new Set(), seenAt: Date.now() },
      timer: setInterval(() => look(id, watched), lookEveryMs),
      mayGoOn: (user) => recheckWhileOpen(context, due, user),
    };
    bySession.set(id, watched);
    return watched;
  }

  function forget(id: string, watched: Watched, response: Response): void {
    response.once('close', () => {
      watched.streams.delete(response);
      watched.calls.delete(response);
      if (watched.streams.size + watched.calls.size > 0) return;
      clearInterval(watched.timer);
      bySession.delete(id);
    });
  }

  const finish = () => {
    for (const { streams } of bySession.values()) for (const stream of streams) stream.end();
  };
  finishing.addEventListener('abort', finish, { once: true });

  return {
    /** Ends this one with its session. */
    add(req: Request, id: string, stream: Response): void {
      // It emits no more `close`, and its session would be looked at for ever.
      if (stream.destroyed) return;
      if (finishing.aborted) return void stream.end();
      const watched = bySession.get(id) ?? watch(req, id);
      const [oldest] = watched.streams;
      if (watched.streams.size >= mostStreams) oldest?.end();
      watched.streams.add(stream);
      watched.calls.delete(stream); // It took long to send the question.
      forget(id, watched, stream);
    },

    /** Breaks this one off with its session, whether its body or its answer is on its way. */
    addCall(req: Request, id: string, call: Response): void {
      if (call.destroyed) return;
      const watched = bySession.get(id) ?? watch(req, id);
      watched.calls.add(call);
      forget(id, watched, call);
    },
  };
}
