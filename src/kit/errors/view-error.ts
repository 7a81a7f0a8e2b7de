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

/** Undefined for any other error. Of a view that another one includes, the innermost counts. */
export function viewFailure(message: string): ViewFailure | undefined {
  const found = writtenIn(message.slice(0, 100_000));
  return found && (viewFailure(found.message) ?? found);
}

function writtenIn(message: string): ViewFailure | undefined {
  const [, file = '', line, excerpt = '', inner = ''] = written.exec(message) ?? [];
  return line === undefined ? undefined : { file, line: Number(line), excerpt, message: inner };
}
