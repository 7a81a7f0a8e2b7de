import { hash } from 'node:crypto';
import type { CreateLink } from './link.ts';

/**
 * Links that name a script by its hash instead of sending its text each time: a third of the bytes of a sign-in.
 *
 * A server that was restarted, flushed (SCRIPT FLUSH) or promoted does not know the script. It says so without having
 * done anything, and then the text goes to it. All this is within one command of the link: its time is bounded as a
 * whole, and what is carried out again by a new link (recent-endings.ts) works there too. A step of ours is one script,
 * so none is ever half done for the want of another.
 */
export function hashedScripts(create: CreateLink): CreateLink {
  return (onGone) => {
    const link = create(onGone);
    const send = link.send.bind(link);
    link.send = (key, args, binary) => {
      const [command, text, ...rest] = args;
      if (command !== 'EVAL') return send(key, args, binary);
      return send(key, ['EVALSHA', hashOf(text as string), ...rest], binary).catch((error: Error) => {
        if (!/^NOSCRIPT\b/.test(error.message)) throw error;
        return send(key, args, binary);
      });
    };
    return link;
  };
}

/** Of the few scripts that there are. */
const hashes = new Map<string, string>();

function hashOf(text: string): string {
  const known = hashes.get(text) ?? hash('sha1', text);
  hashes.set(text, known);
  return known;
}
