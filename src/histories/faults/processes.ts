// Daemons that are killed at any instant, stopped for a while, ended in an orderly way, or not alone. A killed one is started again a
// little later, as a kubelet would.

import type { EmbeddedDaemon } from '../../embedded/daemon.ts';
import { ordinalMigrations } from '../../migration/record.ts';
import type { HttpRequest } from '../../ports/http.ts';
import type { Random } from '../../ports/random.ts';
import { Dice } from '../dice.ts';
import type { FaultKind } from '../faults.ts';
import type { HistoryWorld } from '../world.ts';
import { isWrite } from './api.ts';
import { lasting, striking, struck, type Begin } from './striking.ts';

const TICK_MS = 2_000;
const LONGEST_PAUSE_MS = 120_000;
/** A restart takes seconds, the lease of a killed leader 15 more. */
const NOW_AND_THEN = [0.02, 0.2] as const;

export const PROCESS_FAULTS: Record<string, FaultKind> = {
  'daemon killed': {
    chance: NOW_AND_THEN,
    begin: striking({ everyMs: TICK_MS }, (world, _fault, dice) => {
      const daemon = dice.maybeOne(world.daemons);
      daemon?.kill();
      return daemon !== undefined;
    }),
  },
  /** The request never leaves. */
  'daemon killed before a request': {
    chance: [0.005, 0.05],
    api: (request, random, world) => (killedAt(request, random, world) ? { kind: 'lost request' } : undefined),
  },
  /** The server carries it out, and there is nobody left to hear of it. */
  'daemon killed after the effect': {
    chance: [0.005, 0.05],
    api: (request, random, world) => (killedAt(request, random, world) ? { kind: 'lost answer' } : undefined),
  },
  /** The intent is on record, the call to the cloud not made. */
  'daemon killed at a record': {
    chance: [0.02, 0.2],
    begin: onEach(({ simulated }, strike) => simulated.server.follow(ordinalMigrations, ({ type }) => type === 'MODIFIED' && strike())),
  },
  /** The cloud has done it, and it is not on record. */
  'daemon killed at a cloud call': {
    chance: [0.05, 0.5],
    begin: onEach(({ simulated }, strike) => simulated.ecs.follow(({ subject, event }) => subject === 'call' && MAKES_OR_DELETES.has(event) && strike())),
  },
  /** SIGSTOP, a stalled machine: it does not know that time has passed. */
  'daemon paused': {
    chance: NOW_AND_THEN,
    begin: striking({ everyMs: TICK_MS }, async (world, _fault, dice) => {
      const daemon = dice.maybeOne(world.daemons);
      if (daemon === undefined) return false;
      const goOn = daemon.pause();
      await world.simulated.clock.sleep(dice.scale(500, LONGEST_PAUSE_MS));
      goOn();
      return true;
    }),
  },
  /** One more that contends for the lease; it ends with the window. */
  'second daemon': {
    chance: [1, 1],
    begin: lasting((world) => {
      const second = world.startDaemon();
      return () => leave(world, second);
    }),
  },
  /** SIGTERM in the middle of something. */
  'daemon restarted': {
    chance: NOW_AND_THEN,
    begin: striking({ everyMs: TICK_MS * 4 }, async (world, _fault, dice) => {
      const daemon = dice.maybeOne(world.daemons);
      if (daemon === undefined) return false;
      await leave(world, daemon);
      return true;
    }),
  },
};

const MAKES_OR_DELETES = new Set(['CreateSnapshot', 'CreateDisk', 'DeleteSnapshot', 'DeleteDisk', 'TagResources', 'UntagResources', 'ModifyDiskAttribute', 'ApplyAutoSnapshotPolicy']);
/** terminationGracePeriodSeconds of the chart. */
const GRACE_MS = 30_000;

async function leave(world: HistoryWorld, daemon: EmbeddedDaemon): Promise<void> {
  await Promise.race([daemon.stop(), world.simulated.clock.sleep(GRACE_MS)]);
  daemon.kill();
}

/** Somebody's write: with one daemon its own, with two perhaps the other one's. */
function killedAt(request: HttpRequest, random: Random, world: HistoryWorld): boolean {
  const daemon = world.daemons[Math.floor(random.next() * world.daemons.length)];
  if (daemon === undefined || !isWrite(request) || request.path.includes('/leases/')) return false;
  daemon.kill();
  return true;
}

function onEach(follow: (world: HistoryWorld, strike: () => void) => () => void): Begin {
  return (world, fault) => {
    const dice = Dice.ofFault(world.plan.seed, fault);
    const unfollow = follow(world, () => {
      const daemon = dice.chance(fault.chance) ? dice.maybeOne(world.daemons) : undefined;
      if (daemon === undefined) return;
      daemon.kill();
      struck(world, fault);
    });
    return () => {
      unfollow();
    };
  };
}
