import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import { ApiProblem } from './api-problems.ts';

/** A file to keep, as a whole or the part that is asked for (RFC 9110 §14). */
export function sendDownload(req: Request, res: Response, name: string, content: Buffer): void {
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 16)}"`;
  res.set({ ETag: etag, 'Accept-Ranges': 'bytes', 'Content-Type': 'text/plain; charset=utf-8' });
  res.attachment(name);
  // Of a file that has changed since the first part, the whole is wanted.
  const whole = req.get('if-range') !== undefined && req.get('if-range') !== etag;
  const ranges = whole ? undefined : req.range(content.length);
  if (ranges === -1) {
    throw new ApiProblem(416, 'The file has no such part', {
      headers: { 'Content-Range': `bytes */${content.length}` },
    });
  }
  // Several parts at once may be answered with the whole (RFC 9110 §14.2); so is what is no range.
  const [part, ...more] = Array.isArray(ranges) && ranges.type === 'bytes' ? ranges : [];
  if (!part || more.length > 0) {
    res.send(content);
    return;
  }
  const { start, end } = part;
  res.status(206).set('Content-Range', `bytes ${start}-${end}/${content.length}`);
  res.send(content.subarray(start, end + 1));
}
