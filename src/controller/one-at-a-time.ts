// Acts that must not overlap: each begins when the one before has ended, however that ended.

export function oneAtATime(): <T>(act: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(act: () => Promise<T>) => {
    const turn = last.then(act);
    last = turn.catch(() => undefined);
    return turn;
  };
}
