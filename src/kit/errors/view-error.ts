/** Where a view failed, as EJS writes it into the message of the error while developing. */
interface ViewFailure {
  file: string;
  line: number;
  /** The lines around it; the one that failed has a mark. */
  excerpt: string;
  /** What was wrong, without all this. */
  message: string;
}

const written = /^([^\n]{1,1000}\.ejs):(\d{1,9})\n((?: {4}| >> )\d+\| [\s\S]*?)\n\n([\s\S]*)$/;

/** No view includes another one more deeply, and no excerpt is longer. */
const deepest = 10;
const longest = 20_000;

/** Undefined for any other error. Of a view that another one includes, the innermost counts. */
export function viewFailure(message: string): ViewFailure | undefined {
  let failure = writtenIn(message.slice(0, longest));
  for (let depth = 1; failure && depth < deepest; depth++) {
    const inner = writtenIn(failure.message);
    if (!inner) break;
    failure = inner;
  }
  return failure;
}

function writtenIn(message: string): ViewFailure | undefined {
  const [, file = '', line, excerpt = '', inner = ''] = written.exec(message) ?? [];
  return line === undefined ? undefined : { file, line: Number(line), excerpt, message: inner };
}
