import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GUARDS } from '../../src/planner/guards/index.ts';
import { BLOCK_REASONS, MOVE_REASONS, STAY_REASONS, UNSATISFIED_REASONS } from '../../src/planner/reasons.ts';

const root = new URL('../../', import.meta.url);
const document_ = readFileSync(new URL('docs/planning.md', root), 'utf8');

interface Row {
  heading: string;
  reason: string;
  /** The other columns. */
  explained: string[];
}

/** Every line of a table whose first column is a reason, by the heading that it stands under. */
const rows: Row[] = document_.split(/^## /m).flatMap((section) => {
  const [heading = ''] = section.split('\n');
  return [...section.matchAll(/^\| `(?<reason>[A-Z]\w*)` \|(?<rest>.*)\|$/gm)].map(({ groups }) => ({ heading, reason: groups!['reason']!, explained: groups!['rest']!.split(' | ').map((cell) => cell.trim()) }));
});

function documented(heading: string): string[] {
  return rows.filter((row) => row.heading === heading).map(({ reason }) => reason);
}

describe('docs/planning.md explains', () => {
  it.each([
    ['Why an ordinal moves', MOVE_REASONS],
    ['Why an ordinal stays', STAY_REASONS],
    ['Why a set is not satisfied', UNSATISFIED_REASONS],
    ['What holds a move', BLOCK_REASONS],
  ])('%s: every reason, and no other', (heading, reasons) => {
    expect(documented(heading).toSorted()).toEqual([...reasons].toSorted());
  });

  it('what holds a move in the order in which it is looked at', () => {
    expect(documented('What holds a move')).toEqual([...BLOCK_REASONS]);
  });

  it('each reason once under a heading, with what it means and, where there is a choice, what to do', () => {
    const keys = rows.map(({ heading, reason }) => `${heading}: ${reason}`);
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
    const withoutAdvice = new Set(['Why an ordinal moves', 'Why an ordinal stays']);
    expect(rows.filter(({ heading, explained }) => explained.some((cell) => !cell.endsWith('.')) || explained.length !== (withoutAdvice.has(heading) ? 1 : 2))).toEqual([]);
  });
});

/** Where reasons are made up: what these files put in single quotes, in the form of a name, is one unless it is listed below. */
const SOURCES = ['src/planner/*.ts', 'src/planner/guards/*.ts', 'src/migration/**/*.ts', 'src/controller/*.ts', 'src/ports/disks.ts'];

/** Names that are no reasons: kinds, phases, courses and outcomes of a migration, what becomes of an approved move, types of conditions and events, words of Kubernetes and the cloud. */
const OTHER_NAMES = `
  OrdinalMigration PersistentVolumeClaim SpreadReport StatefulSet ZoneEvacuation
  Moved Planned NotWanted
  Pending Running RollingBack Succeeded RolledBack Failed Forward Undo Restore Done Undone Manual Reverse
  Satisfied Progressing Blocked Complete Ready PodScheduled
  Normal Warning MigrationStarted MigrationStep MigrationSucceeded MigrationRolledBack MigrationFrozen SpreadPlanned SpreadBlocked SourceRetired
  OrderedReady True False Retain Bound Available OnDelete ReadWriteMany WaitForFirstConsumer AlreadyExists
  Never Always Ignore RuntimeDefault PreemptLowerPriority ALL In NotIn
  CreateContainerError CreateContainerConfigError RunContainerError CrashLoopBackOff
  InvariantBroken DiskError Attaching Detaching Creating ReInitializing InUse Snapshotting
`.trim().split(/\s+/);

const names = new Set(
  SOURCES.flatMap((pattern) => globSync(pattern, { cwd: root.pathname })).flatMap((file) => {
    const code = readFileSync(new URL(file, root), 'utf8').replaceAll(/^import .*$|\/\/.*$|\/\*[^]*?\*\//gm, '');
    return [...code.matchAll(/'(?<name>[A-Z][A-Za-z]+)'/g)].map(({ groups }) => groups!['name']!);
  }),
);

describe('the reasons in the code and those in docs/planning.md are the same', () => {
  const explained = new Set(rows.map(({ reason }) => reason));

  it('each reason of the code is explained', () => {
    expect([...names].filter((name) => !explained.has(name) && !OTHER_NAMES.includes(name)).toSorted(), 'explain these in docs/planning.md, or list them as names that are no reasons').toEqual([]);
  });

  it('each that is explained is one of the code', () => {
    expect([...explained].filter((reason) => !names.has(reason)).toSorted(), 'nothing gives these any more').toEqual([]);
  });

  it('nothing is called no reason that is explained as one, or that the code does not know', () => {
    expect(OTHER_NAMES.filter((name) => explained.has(name) || !names.has(name))).toEqual([]);
  });
});

it('every reason of the list is given by a guard, or by what decides whose turn it is', () => {
  const elsewhere = ['OrdinalNotFound', 'Disabled', 'ApprovalNeeded'];
  expect([...GUARDS.map(({ reason }) => reason), ...elsewhere].toSorted()).toEqual([...BLOCK_REASONS].toSorted());
});
