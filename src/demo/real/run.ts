// The main job on a real control plane, from its first line to its last; whoever calls it ends what was started.

import { createLog } from '../../observability/log.ts';
import { systemClock } from '../../ports/clock.ts';
import { createAnnouncer } from '../announcer.ts';
import { balanceOf } from '../balance.ts';
import { closingLines } from '../closing-lines.ts';
import { RecentLines } from '../logs.ts';
import { Onlooker } from '../onlooker.ts';
import type { Running } from '../running.ts';
import type { Screen } from '../../cli/rendering/screen.ts';
import { Teller } from '../teller.ts';
import { EMPTY, line, piece } from '../../cli/rendering/text.ts';
import { NAMESPACE, SET } from '../workload.ts';
import { ZONES } from '../zones.ts';
import { boot, keepLogs, type Stage } from './boot.ts';
import { tellStory } from './story.ts';

const TITLE = 'zonespread: a StatefulSet whose six disks are all in one zone spreads itself over three.';
/** The longest thing that happens in silence is a disk operation. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 200;

/** @returns whether everything held. @throws when it does not get to its end. */
export async function runRealDemo(running: Running): Promise<boolean> {
  const { screen, closing, signal } = running;
  screen.say(line(piece(TITLE, 'strong')), EMPTY);
  const trouble = new AbortController();
  const ending = AbortSignal.any([signal, trouble.signal]);
  const died = (obituary: string): void => trouble.abort(new Error(obituary));
  const ownLog = new RecentLines();
  const log = createLog({ fields: { component: 'demo' }, destination: { write: (text) => ownLog.add(text) } });
  const announce = createAnnouncer(screen, systemClock);

  const world = await boot({ closing, signal: ending, log, died, announce, started: (begun) => (running.keepLogs = () => keepLogs(begun, ownLog)) });
  const onlooker = new Onlooker({ world, zones: ZONES, lookEveryMs: LOOK_EVERY_MS, patienceMs: PATIENCE_MS, signal: ending });
  closing.add('the onlooker', () => onlooker.stop());
  const teller = new Teller({ clock: world.clock, onlooker, screen });
  const { before, since } = await tellStory({ stage: world, onlooker, teller, screen, announce });
  const elapsedMs = teller.elapsedMs();
  const verdict = closingLines({ before, after: onlooker.picture(), elapsedMs, balance: await balanceOf({ books: world.books, onlooker, since }) });
  screen.say(...verdict.lines);
  await showCommands(world, screen);
  return verdict.good;
}

/** What a user looks at afterwards, as kubectl prints it. */
async function showCommands({ controlPlane }: Stage, screen: Screen): Promise<void> {
  const commands = [
    ['get', 'spreadreport', SET, '--namespace', NAMESPACE],
    ['get', 'ordinalmigrations', '--namespace', NAMESPACE],
  ];
  for (const command of commands) {
    const answer = await controlPlane.kubectl(command);
    screen.say(EMPTY, line(piece(`  $ kubectl ${command.join(' ')}`, 'strong')), ...answer.trimEnd().split('\n').map((one) => line(`  ${one}`)));
  }
  screen.say(EMPTY, line(piece('  For a control plane of your own to try things on: npm run controlplane', 'faint')));
}
