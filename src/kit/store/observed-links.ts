import type { ObserveCommand } from './contract.ts';
import type { Argument, CreateLink } from './link.ts';

/** Links whose commands are observed, those to each of a cluster's masters included. */
export function observedLinks(create: CreateLink, observe: ObserveCommand): CreateLink {
  async function observed<T>(args: Argument[], send: () => Promise<T>): Promise<T> {
    const done = observe(String(args[0]).toUpperCase());
    try {
      const answer = await send();
      done();
      return answer;
    } catch (error) {
      done(error);
      throw error;
    }
  }
  return (onGone) => {
    const link = create(onGone);
    const send = link.send.bind(link);
    const nodes = link.nodes.bind(link);
    link.send = (key, args, binary) => observed(args, () => send(key, args, binary));
    const settle = link.settle?.bind(link);
    // The mark before it, and how many replicas there are, are part of the same wait.
    if (settle) link.settle = (key) => observed(['WAIT'], () => settle(key));
    link.nodes = async () =>
      (await nodes()).map((one) => (args, binary) => observed(args, () => one(args, binary)));
    return link;
  };
}
