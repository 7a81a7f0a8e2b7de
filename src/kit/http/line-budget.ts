/** How many lines of one kind the log may still have in this minute. */
export interface LineBudget {
  /** Takes one of them; false where none was left. */
  isLeft(): boolean;
}

export function createLineBudget(mostInMinute: number): LineBudget {
  let begun = Number.NEGATIVE_INFINITY;
  let used = 0;
  return {
    isLeft() {
      const now = performance.now();
      if (now - begun > 60_000) {
        begun = now;
        used = 0;
      }
      used += 1;
      return used <= mostInMinute;
    },
  };
}
