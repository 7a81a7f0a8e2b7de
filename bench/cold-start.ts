import { contestants, type Name, programOf, type Surroundings, start } from './contestants.ts';
import { isPage, signedIn } from './pages.ts';
import { freePort, startServer, until } from './processes.ts';
import { inOrder, type Samples } from './rounds.ts';

/**
 * From starting the program to the first page for somebody who was signed in before, as after a
 * deployment. The servers are started as users start them, one after the other.
 */
export async function coldStarts(
  names: readonly Name[],
  around: Surroundings,
  rounds: number,
): Promise<Samples> {
  const starts = await inOrder(names, (name) => prepareStart(name, around));
  const samples: Samples = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, name] of names.entries()) {
      const milliseconds = await (starts[index] as () => Promise<number>)();
      samples.get(name)?.push({ milliseconds });
    }
  }
  return samples;
}

async function prepareStart(name: Name, around: Surroundings): Promise<() => Promise<number>> {
  const running = await start(name, around);
  const { cookie } = await signedIn(running);
  await running.server.stop();
  const contestant = contestants[name];

  return async () => {
    const port = await freePort();
    const program = programOf(contestant, port, around);
    const startedAt = performance.now();
    const server = startServer({ ...program, probed: false });
    await until(
      contestant.title,
      async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/profile`, {
          headers: { cookie },
          redirect: 'manual',
        });
        if (!isPage(await answer.text())) throw new Error(`the first answer was a ${answer.status}`);
      },
      2,
    );
    const elapsed = performance.now() - startedAt;
    await server.stop();
    return elapsed;
  };
}
