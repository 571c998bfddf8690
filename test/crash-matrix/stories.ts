// The stories whose every request meets every trouble, and how each may end then.
//
// A request that fails once, in whatever way, or a daemon that is killed at it, changes no ending: the story ends as it would have. With
// one exception: the cloud's 403 (no permission) to a CreateSnapshot or CreateDisk is final by design, for asking again would not help
// until a person changes the account. A move is undone for it; a move back, or a rescue, freezes for it and asks a person.
//
// What is refused for longer than a step may take ends a move that has changed nothing as Failed, undoes one that may still be undone,
// and after the point of no return, in an undo and in retirement is waited out.

import { REQUEST_ANNOTATION } from '../../src/kubernetes/names.ts';
import { nodes } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type MigrationTerms, type OrdinalMigration } from '../../src/migration/record.ts';
import { IMMEDIATE, SHOP, type SetOptions, type Stage } from '../simulation/controllers/stage.ts';
import type { Trouble } from './troubles.ts';
import type { Site, Strike } from './wire.ts';

/** How the first record ends. `Reversed` and `SourceRestored` are the two ways in which it is taken back after the point of no return. */
export type Ending = 'Succeeded' | 'RolledBack' | 'Reversed' | 'SourceRestored' | 'Failed';

export interface Story {
  name: string;
  set: SetOptions;
  ordinal: number;
  terms?: Partial<MigrationTerms>;
  /** What is wrong with the world, or comes to it on the way. */
  arrange: (stage: Stage) => Scenery | Promise<Scenery>;
  /** How it ends when nothing else goes wrong. */
  ends: Ending;
  /** How it ends when the cloud does not permit a snapshot or a disk. */
  endsWhenRefused: Ending[];
}

export interface Scenery {
  /** What a person does about a record that is Frozen. Without it nothing may freeze. */
  whenFrozen?: () => void | Promise<void>;
}

export const STORIES: readonly Story[] = [
  move({ name: 'a move' }),
  move({ name: 'a move of two claims of an Immediate class', set: { templates: ['data', 'log'], storageClassName: IMMEDIATE } }),
  move({ name: 'a move of the first pod of a Parallel set', set: { spec: { podManagementPolicy: 'Parallel' } }, ordinal: 0 }),
  move({ name: 'a move whose zone is sold out', arrange: soldOut, ends: 'RolledBack' }),
  move({ name: 'a move that is aborted while the claim is being changed', arrange: abortedAt('swapClaim'), ends: 'RolledBack' }),
  move({ name: 'a move whose zone has no room', arrange: cordonTarget, ends: 'Failed' }),
  move({ name: 'a move of two claims whose pod finds no node', set: { templates: ['data', 'log'] }, arrange: targetCordonedAt('keepSource'), ends: 'RolledBack' }),
  // Refused, the move back leaves the first one Frozen on its new disk: a person mends the pod, and it goes on.
  move({ name: 'a move taken back by reverse', terms: { onUnready: 'reverse' }, arrange: neverReady, ends: 'Reversed', endsWhenRefused: ['RolledBack', 'Succeeded'] }),
  move({ name: 'a move taken back by restore-source', terms: { onUnready: 'restore-source' }, arrange: neverReadyButResumed, ends: 'SourceRestored', endsWhenRefused: ['RolledBack', 'SourceRestored'] }),
];

function move(story: Pick<Story, 'name'> & Partial<Story>): Story {
  return { set: {}, ordinal: 1, arrange: () => ({}), ends: 'Succeeded', endsWhenRefused: ['RolledBack'], ...story };
}

/** The only trouble that may end a story otherwise, but for a refused placeholder. */
export function isFinalRefusal({ what, trouble }: Pick<Site, 'what'> & { trouble: Trouble }): boolean {
  return trouble === '403' && (what === 'CreateSnapshot' || what === 'CreateDisk');
}

/** It is done without: then the pod itself finds that there is no room. */
function isRefusedPlaceholder({ at, what, trouble }: Site & { trouble: Trouble }): boolean {
  return trouble === '403' && at === 'Running reserve' && /\/priorityclasses|POST .*\/pods\?fieldManager=zonespread$/.test(what);
}

export function allowedEndings({ story, strikes, wire }: { story: Story; strikes: readonly Strike[]; wire: { struck: readonly (Site & { trouble: Trouble })[] } }): readonly Ending[] {
  if (strikes.some(({ lastsMs = 0 }) => lastsMs > 0)) return [...new Set<Ending>([story.ends, 'RolledBack', 'Failed'])];
  if (story.ends === 'Failed' && wire.struck.some(isRefusedPlaceholder)) return ['RolledBack'];
  return wire.struck.some(isFinalRefusal) ? story.endsWhenRefused : [story.ends];
}

function soldOut({ cluster }: Stage): Scenery {
  cluster.ecs.sellOut('cn-test-b');
  return {};
}

async function cordonTarget(stage: Stage): Promise<Scenery> {
  await stage.do(stage.admin.mergePatch(nodes, { name: 'node-b1' }, { spec: { unschedulable: true } }));
  return {};
}

/** The node that was reserved takes no more pods. */
function targetCordonedAt(step: string): Story['arrange'] {
  return (stage) => {
    onceAt(stage, step, async () => {
      await stage.admin.mergePatch(nodes, { name: 'node-b1' }, { spec: { unschedulable: true } });
    });
    return {};
  };
}

function neverReady({ cluster }: Stage): Scenery {
  const mend = cluster.behaviour.neverReady({ zone: 'cn-test-b' });
  return { whenFrozen: mend };
}

function neverReadyButResumed(stage: Stage): Scenery {
  stage.cluster.behaviour.neverReady({ zone: 'cn-test-b' });
  return {
    async whenFrozen() {
      const record = stage.cluster.server.readAll(ordinalMigrations)[0];
      if (record !== undefined) await stage.do(ask(stage, record, 'resume'));
    },
  };
}

/** A person annotates the record as soon as it is at that step. */
function abortedAt(step: string): Story['arrange'] {
  return (stage) => {
    onceAt(stage, step, (record) => ask(stage, record, 'abort'));
    return {};
  };
}

function onceAt({ cluster }: Stage, step: string, act: (record: OrdinalMigration) => Promise<void>): void {
  let done = false;
  cluster.server.follow(ordinalMigrations, ({ object }) => {
    if (done || object.status?.step !== step) return;
    done = true;
    cluster.clock.after(30, () => act(object));
  });
}

async function ask(stage: Stage, record: OrdinalMigration, request: string): Promise<void> {
  await stage.admin.mergePatch(ordinalMigrations, { namespace: SHOP, name: record.metadata.name }, { metadata: { annotations: { [REQUEST_ANNOTATION]: request } } });
}
