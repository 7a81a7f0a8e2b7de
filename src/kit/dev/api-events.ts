import type { Request, Response } from 'express';
import { tokenOf } from './api-answers.ts';
import type { Change, Notes } from './api-notes.ts';
import { ApiProblem } from './api-problems.ts';

const mostStreams = 20;

/**
 * Server-sent events: one for each note of the user that is added, changed or deleted. A stream ends when the token that it
 * was opened with does; a browser's EventSource then opens it again, with a new one.
 */
export function createEvents(notes: Notes, { commentSeconds }: { commentSeconds: number }) {
  const open = new Map<string, Set<Response>>();

  function route(req: Request, res: Response): void {
    const { sub, endsAt } = tokenOf(res);
    res.set('Content-Type', 'text/event-stream');
    if (req.method === 'HEAD') return void res.end();
    const streams = open.get(sub) ?? new Set();
    if (streams.size >= mostStreams)
      throw new ApiProblem(429, `There are ${mostStreams} streams open already: close one first`);
    open.set(sub, streams.add(res));
    // The browser learns at once that the stream is open, and that it is to connect again a second after its end.
    res.write('retry: 1000\n\n');
    const send = ({ id, what, note }: Change) =>
      // JSON has no line ends of its own, so that a text cannot begin another event.
      void res.write(`id: ${id}\nevent: ${what}\ndata: ${JSON.stringify(note)}\n\n`);
    // A browser that connects again says which event it got last. What it has missed since comes first.
    const last = /^\d{1,15}$/.test(req.get('last-event-id') ?? '')
      ? Number(req.get('last-event-id'))
      : Infinity;
    for (const change of notes.history(sub).toReversed()) if (change.id > last) send(change);
    const stopListening = notes.onChange(sub, send);
    // A comment: proxies close what is quiet for long.
    const comments = setInterval(() => res.write(': still here\n\n'), commentSeconds * 1_000);
    const end = setTimeout(() => res.end(), Math.min(endsAt - Date.now(), 2 ** 31 - 1));
    res.once('close', () => {
      stopListening();
      clearInterval(comments);
      clearTimeout(end);
      streams.delete(res);
      if (streams.size === 0) open.delete(sub);
    });
  }

  return {
    route,
    close(): void {
      for (const streams of open.values()) for (const res of streams) res.end();
    },
  };
}
