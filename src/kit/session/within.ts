/**
 * What the work comes to, if it is done within so many milliseconds.
 *
 * @throws what the work throws; an error where it takes longer
 */
export async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const working = work();
  // What it does after that is nobody's business any more, and must not end the process.
  working.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    const seconds = ms / 1000;
    timer = setTimeout(
      () => fail(new Error(`it took more than ${seconds} second${seconds === 1 ? '' : 's'}`)),
      ms,
    );
  });
  try {
    return await Promise.race([working, late]);
  } finally {
    clearTimeout(timer);
  }
}
