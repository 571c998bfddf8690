// The demo from its first line to its last; whoever calls it ends what was started.

import { createLog } from '../observability/log.ts';
import { systemClock } from '../ports/clock.ts';
import { balanceOf } from './balance.ts';
import { boot, ZONES, type Announcer, type Begun, type Stage } from './boot.ts';
import type { ClosingTime } from './closing-time.ts';
import { closingLines } from './closing-lines.ts';
import { Onlooker } from './onlooker.ts';
import type { Screen } from './screen.ts';
import { tellStory } from './story.ts';
import { EMPTY, line, piece, seconds } from './text.ts';
import { NAMESPACE, SET } from './workload.ts';

export interface Running {
  screen: Screen;
  closing: ClosingTime;
  /** Aborted when somebody wants an end. */
  signal: AbortSignal;
  /** What nodes, driver and onlooker have to say: lines with their ends. */
  ownLog: string[];
  /** Set as soon as there are logs to look at. */
  begun: Begun | undefined;
}

const TITLE = 'zonespread: a StatefulSet whose six disks are all in one zone spreads itself over three.';
const NAME_WIDTH = 15;

/** @returns whether everything held. @throws when it does not get to its end. */
export async function runDemo(running: Running): Promise<boolean> {
  const { screen, closing, signal } = running;
  screen.say(line(piece(TITLE, 'strong')), EMPTY);
  const trouble = new AbortController();
  const ending = AbortSignal.any([signal, trouble.signal]);
  const died = (obituary: string): void => trouble.abort(new Error(obituary));
  const log = createLog({ fields: { component: 'demo' }, destination: { write: (text) => running.ownLog.push(text) } });
  const announce = announcer(screen);

  const stage = await boot({ closing, signal: ending, log, died, announce, started: (begun) => (running.begun = begun) });
  const onlooker = new Onlooker({ http: stage.connection.http, log, zones: ZONES, signal: ending });
  closing.add('the onlooker', () => onlooker.stop());
  const told = await tellStory({ stage, onlooker, screen, announce });
  const verdict = closingLines({ ...told, balance: await balanceOf({ stage, onlooker, told }) });
  screen.say(...verdict.lines);
  await showCommands(stage, screen);
  return verdict.good;
}

/** One line for everything that is up, with the time that it took. */
function announcer(screen: Screen): Announcer {
  let since = systemClock.monotonic();
  return {
    coming(what) {
      screen.show(() => [line('  … ', piece(what, 'faint'))]);
    },
    up(what, details) {
      const now = systemClock.monotonic();
      screen.say(line(piece('  ✓ ', 'good'), piece(what.padEnd(NAME_WIDTH), 'strong'), piece(`${seconds(now - since).padStart(6)}  `, 'faint'), details));
      since = now;
    },
  };
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
