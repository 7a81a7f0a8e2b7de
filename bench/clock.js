/**
 * A clock that runs CLOCK_SPEED times as fast since CLOCK_FROM (epoch milliseconds), loaded into a server before all else
 * (`node --import`): an hour passes in a minute. Timers of a minute and more run as fast; shorter ones, which bound how
 * long something is waited for, stay as they are.
 */
const speed = Number(process.env.CLOCK_SPEED);
const from = Number(process.env.CLOCK_FROM);
const RealDate = Date;
const now = () => Math.floor(from + (RealDate.now() - from) * speed);

globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [now()] : given));
  }

  static now() {
    return now();
  }
};

for (const name of ['setTimeout', 'setInterval']) {
  const real = globalThis[name];
  globalThis[name] = (run, ms, ...given) => real(run, ms >= 60_000 ? ms / speed : ms, ...given);
}
