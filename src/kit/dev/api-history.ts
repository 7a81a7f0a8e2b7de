import type { Request, Response } from 'express';
import { acrValues } from './accounts.ts';
import { tokenOf } from './api-answers.ts';
import type { Notes } from './api-notes.ts';
import { TokenProblem } from './api-problems.ts';

const maxAgeSeconds = 300;
const [, strong = ''] = acrValues;

/** What was done with the notes. Shown only after a strong and recent sign-in (RFC 9470). */
export function historyRoute(notes: Notes) {
  return (_req: Request, res: Response): void => {
    const { sub, acr, authTime = 0 } = tokenOf(res);
    const isRecent = Date.now() / 1_000 - authTime <= maxAgeSeconds;
    if (acr !== strong || !isRecent) {
      const sentence = 'A stronger or more recent sign-in is needed';
      throw new TokenProblem(401, 'Bearer', 'insufficient_user_authentication', sentence, {
        acr_values: strong,
        max_age: String(maxAgeSeconds),
      });
    }
    res.json({ sub, changes: notes.history(sub) });
  };
}
