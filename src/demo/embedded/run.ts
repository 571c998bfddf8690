// A story of the simulated cluster from its first line to its last; whoever calls it ends what was started.

import { systemClock } from '../../ports/clock.ts';
import { createAnnouncer } from '../announcer.ts';
import { balanceOf } from '../balance.ts';
import { closingLines } from '../closing-lines.ts';
import { Onlooker } from '../onlooker.ts';
import { Pacer, type Speed } from '../pacing.ts';
import { keepFiles, RecentLines } from '../logs.ts';
import type { Running } from '../running.ts';
import { Teller } from '../teller.ts';
import { several } from '../../standing/amounts.ts';
import { EMPTY, line, piece, type Line } from '../../cli/rendering/text.ts';
import { NODES_PER_ZONE, ZONES } from '../zones.ts';
import { keepUp } from './keep.ts';
import type { Play } from './play.ts';
import { SCENARIOS } from './scenarios/index.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { EmbeddedWorld } from './world.ts';

export interface EmbeddedDemo {
  scenario: Scenario;
  speed: Speed;
  seed: number;
  /** Wall-clock time at which the cluster's time begins, RFC 3339. */
  start: string;
  /** When the story is over the cluster goes on, until the signal. */
  keep: boolean;
}

/** In virtual time: a snapshot, an undo with its back-off, and the sweep that finds out what no watch tells are shorter. */
const PATIENCE_MS = 15 * 60_000;
const LOOK_EVERY_MS = 1_000;

/** @returns whether everything held; with `keep` once somebody wants an end. @throws when it does not get to its end. */
export async function runEmbeddedDemo(running: Running, demo: EmbeddedDemo): Promise<boolean> {
  const { screen, closing, signal } = running;
  const { scenario, speed, seed, start } = demo;
  screen.say(line(piece(`zonespread: ${scenario.title}`, 'strong')), line(piece(`A simulated cluster in virtual time: ${paceWords(speed)}; seed ${seed}.`, 'faint')), EMPTY);
  const announce = createAnnouncer(screen, systemClock);
  announce.coming('cluster');
  const productLog = new RecentLines();
  const world = await EmbeddedWorld.create({ seed, start, zones: scenario.bornIn, fieldOwnership: demo.keep, logLine: (text) => productLog.add(text) });
  running.keepLogs = () => keepFiles({ 'zonespread.log': productLog.text(), 'cloud.json': JSON.stringify(world.books.cloud.history(), undefined, 1) });
  announce.up('cluster', `API server, controllers, scheduler, ${several(scenario.bornIn.length * NODES_PER_ZONE, 'node')}, cloud disks`);

  const pacer = new Pacer({ time: world.clock, speed, clock: systemClock });
  closing.add('virtual time', () => pacer.stop());
  const onlooker = new Onlooker({ world, zones: ZONES, lookEveryMs: LOOK_EVERY_MS, patienceMs: PATIENCE_MS, signal });
  const teller = new Teller({ clock: world.clock, onlooker, screen, ...(scenario.expected === undefined ? {} : { expected: scenario.expected }) });
  const play: Play = { world, onlooker, teller, screen, announce, seed };
  const trouble = [pacer.running.then(() => stoodStill()), world.daemonTrouble];
  const good = await Promise.race([tellStory(play, demo), ...trouble, interrupted(signal).then(() => signal.throwIfAborted())]);
  if (demo.keep) await Promise.race([keepUp(play, closing), ...trouble, interrupted(signal)]);
  return good === true;
}

async function tellStory(play: Play, { scenario, keep }: EmbeddedDemo): Promise<boolean> {
  const { world, onlooker, teller, screen, announce } = play;
  announce.coming('zonespread');
  await world.startProduct();
  announce.up('zonespread', 'controller and webhook, the very code that runs in a cluster');
  const { since, ...told } = await scenario.play(play);
  const elapsedMs = teller.elapsedMs();
  const verdict = closingLines({ ...told, after: onlooker.picture(), elapsedMs, balance: await balanceOf({ books: world.books, onlooker, since }) });
  screen.say(...verdict.lines);
  if (!keep) screen.say(...nextLines(scenario));
  return verdict.good;
}

function paceWords(speed: Speed): string {
  if (speed === 'max') return 'as fast as it goes';
  return `a second here is ${speed % 60 === 0 ? several(speed / 60, 'minute') : `${speed} s`} there`;
}

/** What to look at now. */
function nextLines({ name }: Scenario): Line[] {
  const again = name === SCENARIOS[0]?.name ? '' : `--scenario ${name} `;
  const commands = [
    [`npm run demo -- ${again}--keep`, 'the same, and a cluster to try things on with kubectl'],
    ['npm run demo -- --scenario help', 'other stories: a zone that closes, a daemon that is killed, …'],
    ['npm run demo -- --real', 'on a real control plane (needs Go)'],
  ] as const;
  const width = Math.max(...commands.map(([command]) => command.length));
  return [EMPTY, line(piece('  Next', 'strong')), ...commands.map(([command, words]) => line(`    ${command.padEnd(width)}   `, piece(words, 'faint'))), line(piece('    README.md says how to run it on a cluster of yours.', 'faint'))];
}

function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function stoodStill(): never {
  throw new Error('virtual time has stopped');
}
