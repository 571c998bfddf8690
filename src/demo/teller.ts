// Tells what happens to a set, from its annotation on: every step of every move as news, the live map, and a line for each move that has
// ended.

import { ended, phaseOf, type OrdinalMigration, type Phase } from '../migration/record.ts';
import type { Clock } from '../ports/clock.ts';
import { changeLine, mapLines, spreadInOneLine, type Moment } from './map.ts';
import type { Onlooker } from './onlooker.ts';
import type { MoveSight, Picture } from './picture.ts';
import type { Screen } from '../cli/rendering/screen.ts';
import { line, minutes, piece, seconds, type Line, type Piece } from '../cli/rendering/text.ts';
import { SET } from './workload.ts';

/** A move ended otherwise than the story has it, so the demo has failed. */
export class MoveFailed extends Error {
  constructor(record: OrdinalMigration) {
    const { reason = 'no reason given', message = '' } = record.status ?? {};
    super(`The move of ${SET}-${record.spec.ordinal} to ${record.spec.targetZone} is ${phaseOf(record)}: ${reason}${message === '' ? '' : `: ${message}`}`);
    this.name = 'MoveFailed';
  }
}

export interface TellerOptions {
  clock: Clock;
  onlooker: Onlooker;
  screen: Screen;
  /** Bad ends of a move that are part of the story. */
  expected?: readonly Phase[];
}

const BAD_ENDS: ReadonlySet<Phase> = new Set(['RolledBack', 'Failed', 'Frozen']);

export class Teller {
  readonly #options: TellerOptions;
  readonly #told = new Set<string>();
  #lastStep = '';
  #reasonTold = '';
  #anythingGoes = false;
  #holdTold: string | undefined;
  #startedMs: number;

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#startedMs = options.clock.monotonic();
  }

  /** Time counts from here. */
  begin(): void {
    this.#startedMs = this.#options.clock.monotonic();
  }

  /** Of the cluster's time. */
  elapsedMs(): number {
    return this.#options.clock.monotonic() - this.#startedMs;
  }

  /** A line that stays, with its time. */
  say(...words: readonly (Piece | string)[]): void {
    this.#options.screen.say(line(`[${minutes(this.elapsedMs())}] `, ...words));
  }

  /** Resolves once it holds. @throws MoveFailed, NothingMoves */
  async watch(what: string, holds: () => boolean): Promise<void> {
    const { onlooker, screen } = this.#options;
    await onlooker.until(what, holds, { look: () => this.#look() });
    screen.clear();
  }

  /** Whatever happens from now on, for as long as the onlooker looks: no end of a move is a bad one, for others act too. */
  async follow(): Promise<never> {
    this.#anythingGoes = true;
    await this.#options.onlooker.until('there is nothing more to see', () => false, { look: () => this.#look(), patienceMs: Number.POSITIVE_INFINITY });
    throw new Error('the onlooker has looked away');
  }

  #look(): void {
    const { onlooker, screen } = this.#options;
    const [picture, records] = [onlooker.picture(), onlooker.moves()];
    for (const record of records) this.#refuseFailure(record);
    if (this.#isNews(picture.move)) screen.note(changeLine(this.#withNewWords(picture.move), this.#moment()));
    this.#noteHold(picture);
    for (const record of this.#newlyEnded(records)) {
      this.say(...endWords(record));
      screen.note(line(`[${minutes(this.elapsedMs())}] ${spreadInOneLine(picture)}`));
    }
    screen.show((size) => mapLines(picture, this.#moment(), size));
  }

  /** Of a story the teller knows what holds it; what others have brought about he tells as it comes. */
  #noteHold({ move, held }: Picture): void {
    const news = this.#anythingGoes && move === undefined && held !== undefined && held !== this.#holdTold;
    if (!news) return;
    this.#holdTold = held;
    this.#options.screen.note(line(`[${minutes(this.elapsedMs())}] nothing moves: ${held}`));
  }

  #moment(): Moment {
    return { now: this.#options.clock.now(), elapsedMs: this.elapsedMs() };
  }

  #refuseFailure(record: OrdinalMigration): void {
    const { expected = [] } = this.#options;
    if (this.#anythingGoes) return;
    if (BAD_ENDS.has(phaseOf(record)) && !expected.includes(phaseOf(record))) throw new MoveFailed(record);
  }

  #isNews(move: MoveSight | undefined): move is MoveSight {
    if (move === undefined || move.step === '') return false;
    const step = `${move.record} ${move.phase} ${move.step}`;
    const news = step !== this.#lastStep;
    this.#lastStep = step;
    return news;
  }

  /** The reason of an undo is told once, then only what is undone. */
  #withNewWords(move: MoveSight): MoveSight {
    const told = this.#reasonTold === `${move.record} ${move.message}`;
    this.#reasonTold = `${move.record} ${move.message}`;
    return told ? { ...move, message: `${move.step} is undone` } : move;
  }

  #newlyEnded(records: readonly OrdinalMigration[]): OrdinalMigration[] {
    const news = records.filter((record) => ended(record) && !this.#told.has(record.metadata.name));
    for (const { metadata } of news) this.#told.add(metadata.name);
    return news;
  }
}

function endWords(record: OrdinalMigration): Line {
  const { spec, status } = record;
  const from = status?.claims?.[0]?.source.zone ?? '';
  const down = status?.downtimeSeconds === undefined ? '' : `, down for ${seconds(status.downtimeSeconds * 1000)}`;
  const pod = `${SET}-${spec.ordinal}`;
  if (phaseOf(record) === 'Succeeded') return line(piece('✓', 'good'), ` ${pod}  ${from} → ${spec.targetZone}${down}`);
  return line(piece('↩', 'busy'), ` ${pod}  stays in ${from}: ${phaseOf(record)}, ${status?.reason ?? 'no reason given'}${down}`);
}
