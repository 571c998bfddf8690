import { describe, expect, it } from 'vitest';
import { createPrecedence, type Precedence, type Wish } from '../../src/controller/precedence.ts';

const MINUTE_MS = 60_000;

class Line {
  nowMs = 0;
  readonly precedence: Precedence = createPrecedence(() => this.nowMs);

  ask(set: string, { room = 0, ...wish }: Partial<Wish> & { room?: number } = {}): { moves: number; before: string[] } {
    return this.precedence.ask({ set, moves: 1, evacuates: undefined, skew: 1, ...wish }, room);
  }
}

describe('when there is no room for all', () => {
  it('a set that is alone takes what there is', () => {
    expect(new Line().ask('web', { moves: 3, room: 2 })).toEqual({ moves: 2, before: [] });
  });

  it('the worst skew goes first, and room is kept for it', () => {
    const line = new Line();
    line.ask('uneven', { skew: 3 });
    expect(line.ask('even', { skew: 1, room: 1 })).toEqual({ moves: 0, before: ['uneven'] });
    expect(line.ask('uneven', { skew: 3, room: 1 })).toEqual({ moves: 1, before: [] });
    expect(line.ask('even', { skew: 1, room: 1 })).toEqual({ moves: 1, before: [] });
  });

  it('as much room is kept as those before have moves, and not more', () => {
    const line = new Line();
    line.ask('uneven', { skew: 3, moves: 2 });
    expect(line.ask('even', { moves: 2, room: 3 })).toEqual({ moves: 1, before: ['uneven'] });
  });

  it('leaving a zone that is being evacuated goes before any skew, by the priority of the pods', () => {
    const line = new Line();
    line.ask('uneven', { skew: 9 });
    line.ask('evacuates', { evacuates: 0 });
    expect(line.ask('important', { evacuates: 1000, room: 1 })).toEqual({ moves: 1, before: [] });
    expect(line.ask('uneven', { skew: 9, room: 1 })).toEqual({ moves: 0, before: ['evacuates'] });
  });

  it('of equals the one that has waited longer goes first, then the name decides', () => {
    const line = new Line();
    line.ask('b');
    line.nowMs += 1;
    line.ask('a');
    line.ask('c');
    expect(line.ask('d', { room: 0 }).before).toEqual(['b', 'a', 'c']);
  });

  it('nobody waits for ever: after an hour a set goes before worse ones', () => {
    const line = new Line();
    for (line.nowMs = 0; line.nowMs <= 61 * MINUTE_MS; line.nowMs += MINUTE_MS / 2) line.ask('patient', { skew: 1 });
    expect(line.ask('uneven', { skew: 9, evacuates: 5, room: 1 })).toEqual({ moves: 0, before: ['patient'] });
  });

  it('a set that asks no more is not waited for', () => {
    const line = new Line();
    line.ask('gone', { skew: 9 });
    line.nowMs += 61_000;
    expect(line.ask('web', { room: 1 })).toEqual({ moves: 1, before: [] });
  });

  it('a set with nothing to start waits no longer', () => {
    const line = new Line();
    line.ask('held', { skew: 9 });
    line.ask('held', { skew: 9, moves: 0 });
    expect(line.ask('web', { room: 1 })).toEqual({ moves: 1, before: [] });
  });
});
