import { hash } from 'node:crypto';
import type { CreateLink } from './link.ts';

/** By their texts, those that `script` has made. */
const hashes = new Map<string, string>();

/** The text of a script in Redis, for EVAL. */
export function script(text: string): string {
  hashes.set(text, hash('sha1', text));
  return text;
}

/**
 * Links that name such a script by its hash (EVALSHA) instead of sending its text each time: half the bytes of a sign-in
 * would be texts.
 *
 * A server that was restarted, flushed (SCRIPT FLUSH) or promoted does not know the script. It says so without having
 * done anything, and then the text goes to it. All this is within one command of the link: its time is bounded as a
 * whole, and what is carried out again by a new link (recent-endings.ts) works there too. A step of ours is one script,
 * so none is ever half done because another is missing.
 */
export function hashedScripts(create: CreateLink): CreateLink {
  return (onGone) => {
    const link = create(onGone);
    const send = link.send.bind(link);
    link.send = (key, args, binary) => {
      const [command, text, ...rest] = args;
      const known = command === 'EVAL' && hashes.get(text as string);
      if (!known) return send(key, args, binary);
      return send(key, ['EVALSHA', known, ...rest], binary).catch((error: Error) => {
        if (!/^NOSCRIPT\b/.test(error.message)) throw error;
        return send(key, args, binary);
      });
    };
    return link;
  };
}
