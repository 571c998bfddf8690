// `zonespread retained`: old disks that are kept after a move, how large they are, and until when.

import type { Command } from 'commander';
import { retainedVolumes } from '../../controller/report.ts';
import type { RetainedVolume } from '../../controller/spread-report.ts';
import { ordinalMigrations, podNameOf } from '../../migration/record.ts';
import { tableLines, textCell, type Column } from '../rendering/table.ts';
import { count, several, span } from '../../standing/amounts.ts';
import { EMPTY, line, piece, wrap, type Line } from '../rendering/text.ts';
import { addExamples, addReadFlags, withCluster, type ClusterFlags, type Session } from '../session.ts';
import type { Surroundings } from '../surroundings.ts';

export function addRetainedVerb(program: Command, around: Surroundings): void {
  const command = addReadFlags(program.command('retained'))
    .description('list the old disks that are kept after moves, their size, and until when')
    .action((flags: ClusterFlags) => withCluster(around, flags, retained));
  addExamples(command, around.calledAs, [
    ['retained -A', 'in the whole cluster, with the GiB that they cost'],
    ['retained -n shop -o json', 'for a program'],
  ]);
}

type Kept = RetainedVolume & { namespace: string; pod: string };

async function retained({ api, scope, show, around }: Session): Promise<void> {
  const records = await api.list(ordinalMigrations, scope === undefined ? {} : { namespace: scope });
  const kept = records.flatMap((record) => retainedVolumes(record).map((volume): Kept => ({ ...volume, namespace: record.metadata.namespace ?? '', pod: podNameOf(record) }))).toSorted(byEnd);
  const totalGiB = kept.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0);
  show.answer(kept.length === 0 ? [line(`No old disk is kept ${scope === undefined ? 'in any namespace' : `in namespace ${scope} (-A: in all)`}.`)] : keptLines(kept, { withNamespace: scope === undefined, columns: show.columns, nowMs: around.clock.now() }), { disks: kept, totalGiB });
}

/** Who goes next comes first; `forever` last. */
function byEnd(a: Kept, b: Kept): number {
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

function keyOf({ until, namespace, pod }: Kept): string {
  return `${until === 'forever' ? '~' : until} ${namespace} ${pod}`;
}

function keptLines(kept: readonly Kept[], { withNamespace, columns, nowMs }: { withNamespace: boolean; columns: number; nowMs: number }): Line[] {
  const titles: Column[] = [...(withNamespace ? [{ title: 'NAMESPACE' }] : []), { title: 'POD' }, { title: 'DISK' }, { title: 'ZONE' }, { title: 'GiB', align: 'right' }, { title: 'GOES IN', align: 'right' }, { title: 'VOLUME' }, { title: 'MOVE' }];
  const rows = kept.map((disk) => [...(withNamespace ? [textCell(disk.namespace)] : []), line(piece(disk.pod, 'strong')), textCell(disk.diskId), line(piece(disk.zone ?? '', 'name')), textCell(disk.sizeGiB), goesIn(disk, nowMs), textCell(disk.pv), line(piece(disk.migration ?? '', 'faint'))]);
  const totalGiB = kept.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0);
  const hint = 'To let go of one, so that nobody deletes it: kubectl delete ordinalmigration <MOVE>.';
  return [...tableLines(titles, rows, columns), EMPTY, line(`${several(kept.length, 'disk')}, ${count(totalGiB)} GiB.`), ...wrap(hint, columns).map((row) => line(piece(row, 'faint')))];
}

function goesIn({ until }: Kept, nowMs: number): Line {
  if (until === 'forever') return line(piece('never', 'faint'));
  const left = Date.parse(until) - nowMs;
  return line(left <= 0 ? piece('now', 'busy') : piece(span(left)));
}
