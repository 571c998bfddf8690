// Who looks on is sent the newest picture, seldom enough, and let go of when they cannot keep up.

import { describe, expect, it } from 'vitest';
import { BEAT_MS, Live, MOST_ONLOOKERS, PATIENCE_MS, REDRAW_MS, TICK_MS, type Line, type Onlooker } from '../../src/page/live.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';

class Somebody implements Line {
  readonly got: string[] = [];
  full = false;
  ended = false;

  write(text: string): boolean {
    this.got.push(...text.split('\n\n').filter((event) => event !== ''));
    return !this.full;
  }

  end(): void {
    this.ended = true;
  }

  get pictures(): string[] {
    return this.got.filter((event) => event !== 'beat');
  }
}

class Room {
  readonly clock = new FakeClock();
  readonly log = new FakeLog();
  picture = 'first';
  drawings = 0;
  readonly live = new Live({
    clock: this.clock,
    log: this.log,
    draw: (place) => {
      this.drawings += 1;
      if (this.picture === 'broken') throw new Error('bug');
      return `${place} ${this.picture}`;
    },
    beat: () => 'beat',
  });

  enter(place = '/'): { who: Somebody; onlooker: Onlooker } {
    const who = new Somebody();
    const onlooker = this.live.seat(place, who);
    if (onlooker === undefined) throw new Error('no seat');
    return { who, onlooker };
  }

  show(picture: string): void {
    this.picture = picture;
    this.live.changed();
  }
}

describe('an onlooker', () => {
  it('gets the picture at once, and the time with it', () => {
    expect(new Room().enter().who.got).toEqual(['/ first', 'beat']);
  });

  it('gets the last of many changes within a second', async () => {
    const room = new Room();
    const { who } = room.enter();
    for (let change = 0; change < 100; change += 1) room.show(`change ${change}`);
    await room.clock.advance(TICK_MS);
    expect(who.pictures).toEqual(['/ first', '/ change 99']);
    expect(room.drawings).toBe(2);
  });

  it('gets no picture that is as the last one, but hears that the line is alive', async () => {
    const room = new Room();
    const { who } = room.enter();
    room.show('first');
    await room.clock.advance(BEAT_MS);
    expect(who.got).toEqual(['/ first', 'beat', 'beat']);
  });

  it('sees times pass without any change', async () => {
    const room = new Room();
    const { who } = room.enter();
    room.picture = 'six seconds later';
    await room.clock.advance(REDRAW_MS + TICK_MS);
    expect(who.pictures.at(-1)).toBe('/ six seconds later');
  });

  it('gets the newest picture when it can take one again', async () => {
    const room = new Room();
    const { who, onlooker } = room.enter();
    who.full = true;
    room.show('second');
    await room.clock.advance(TICK_MS);
    for (const picture of ['third', 'fourth']) {
      room.show(picture);
      await room.clock.advance(TICK_MS);
    }
    expect(who.pictures).toEqual(['/ first', '/ second']);
    who.full = false;
    onlooker.drained();
    await room.clock.advance(TICK_MS);
    expect(who.pictures).toEqual(['/ first', '/ second', '/ fourth']);
  });

  it('is let go of when it takes nothing for long', async () => {
    const room = new Room();
    const { who } = room.enter();
    const { who: other } = room.enter();
    who.full = true;
    room.show('second');
    await room.clock.advance(PATIENCE_MS + 2 * TICK_MS);
    expect([who.ended, other.ended, room.live.onlookers]).toEqual([true, false, 1]);
  });

  it('is let go of when its page cannot be drawn, and the log says so', async () => {
    const room = new Room();
    const { who } = room.enter();
    room.show('broken');
    await room.clock.advance(TICK_MS);
    expect([who.ended, room.live.onlookers, room.log.messages('error')]).toEqual([true, 0, ['the status page cannot be drawn; whoever looks at it is let go of']]);
  });
});

describe('many onlookers', () => {
  it('do not suffer for one whose line breaks', async () => {
    const room = new Room();
    const { who } = room.enter();
    const { who: other } = room.enter();
    who.write = () => {
      throw new Error('broken');
    };
    room.show('second');
    await room.clock.advance(TICK_MS);
    expect([who.ended, other.pictures.at(-1), room.live.onlookers]).toEqual([true, '/ second', 1]);
  });

  it('at one place cost one drawing', async () => {
    const room = new Room();
    const everybody = [room.enter(), room.enter(), room.enter('/sets/a/b')];
    await room.clock.advance(TICK_MS);
    const before = room.drawings;
    room.show('second');
    await room.clock.advance(TICK_MS);
    expect(room.drawings - before).toBe(2);
    expect(everybody.map(({ who }) => who.pictures.at(-1))).toEqual(['/ second', '/ second', '/sets/a/b second']);
  });

  it('are so many and no more, until one goes', () => {
    const room = new Room();
    const everybody = Array.from({ length: MOST_ONLOOKERS }, () => room.enter());
    expect(room.live.seat('/', new Somebody())).toBeUndefined();
    everybody[0]?.onlooker.gone();
    expect(room.live.seat('/', new Somebody())).toBeDefined();
  });

  it('cost nothing once they have gone', async () => {
    const room = new Room();
    const { onlooker } = room.enter();
    onlooker.gone();
    await room.clock.advance(TICK_MS);
    expect(room.clock.sleeping).toBe(0);
    expect(room.enter().who.got).toEqual(['/ first', 'beat']);
  });

  it('are let go of at the end, and nobody comes after it', async () => {
    const room = new Room();
    const { who } = room.enter();
    room.live.end();
    await room.clock.advance(TICK_MS);
    expect([who.ended, room.live.onlookers, room.clock.sleeping, room.live.seat('/', new Somebody())]).toEqual([true, 0, 0, undefined]);
  });
});
