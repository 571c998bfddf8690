// The simulated world as a place for scenarios: a seed is one history, and a scenario that fails or hangs says under which.

import { describe, expect, it } from 'vitest';
import type { Write } from '../controlplane/audit.ts';
import { PATIENT } from './on-simulated-worlds.ts';
import { PAIRWISE_KINDS, oneMoveOf } from './scenarios/kinds.ts';
import { inSimulatedWorld } from './simulated-world.ts';

async function historyOf(seed: number): Promise<readonly Write[]> {
  let book: readonly Write[] = [];
  await inSimulatedWorld({ seed }, async (world) => {
    await oneMoveOf(PAIRWISE_KINDS[0]!)(world);
    book = (await world.writes()) ?? [];
  });
  return book;
}

describe('the simulated world', PATIENT, () => {
  it('has one history for each seed: every write, by whom and when', async () => {
    const [first, again, other] = [await historyOf(11), await historyOf(11), await historyOf(12)];
    expect(first.length).toBeGreaterThan(100);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('keeps its book as the audit log of a real API server does', async () => {
    const book = await historyOf(13);
    const claim = book.find(({ verb, resource, name, code }) => verb === 'create' && resource === 'persistentvolumeclaims' && name === 'data-web-1' && code === 201);
    expect(claim).toMatchObject({ user: 'system:serviceaccount:kube-system:statefulset-controller', group: '', subresource: '', dryRun: false });
    expect(book).toContainEqual(expect.objectContaining({ verb: 'create', resource: 'pods', subresource: 'eviction', name: 'web-1' }));
    expect(book).toContainEqual(expect.objectContaining({ group: 'zonespread.io', resource: 'ordinalmigrations', subresource: 'status' }));
    expect(book.filter(({ verb }) => !['create', 'update', 'patch', 'delete', 'deletecollection'].includes(verb))).toEqual([]);
  });

  it('says the seed when a scenario fails', async () => {
    const failing = inSimulatedWorld({ seed: 5 }, async (world) => {
      await world.clock.sleep(1_000);
      throw new Error('not as it should be');
    });
    await expect(failing).rejects.toThrow('seed 5: not as it should be');
  });

  it('does not wait for ever', async () => {
    await expect(inSimulatedWorld({ seed: 6, webhook: false }, () => new Promise(() => {}))).rejects.toThrow(/seed 6: what is awaited has not happened within/);
  });
});
