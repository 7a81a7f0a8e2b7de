/**
 * So many at once. More would gain nothing, and the commands of everybody else would wait behind those of somebody who has
 * thousands of sessions.
 */
const atOnce = 100;

/**
 * Does the same for each of many, of which there may be thousands: the next hundred begin when the last have come to an
 * end. All are tried, also where some fail.
 *
 * @throws what the first that failed has thrown
 */
export async function inGroups<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const outcomes: PromiseSettledResult<R>[] = [];
  for (let start = 0; start < items.length; start += atOnce) {
    outcomes.push(...(await Promise.allSettled(items.slice(start, start + atOnce).map(work))));
  }
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}
