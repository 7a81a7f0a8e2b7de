import { randomBytes } from 'node:crypto';

/** Everything from .env.example, with one line that counts. */
export function envWithSecret(example: string): string {
  const line = `SESSION_SECRET=${randomBytes(32).toString('base64url')}`;
  const pattern = /^# ?SESSION_SECRET=.*$/m;
  return pattern.test(example) ? example.replace(pattern, line) : `${example.replace(/\n*$/, '\n')}${line}\n`;
}
