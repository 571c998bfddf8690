// Between the product and the world: every request that a daemon sends, to the API server or to the cloud, passes here, is counted, and
// meets its trouble if it is the one that was chosen. A history is the same up to the first trouble, so a number names a request.

import type { Clock } from '../../src/ports/clock.ts';
import type { EcsCall } from '../../src/ports/ecs-call.ts';
import type { Http } from '../../src/ports/http.ts';
import { SeededRandom } from '../fakes/random.ts';
import { answeredWrongly, failedByTheCloud, isCrash, type Crash, type Trouble, type WrongAnswer } from './troubles.ts';

/** A request of the product, numbered from 1 over all daemons of a history. */
export interface Site {
  number: number;
  api: 'kubernetes' | 'cloud';
  /** What the migration was at: `Running swapClaim`. */
  at: string;
  /** Method and path, or the action. */
  what: string;
  /** Whether it may change anything: for the API server everything but reads and dry runs. */
  changes: boolean;
}

export interface Strike {
  site: number;
  trouble: Trouble;
  /** Of a wrong answer: for so long every request that asks the same gets it too. */
  lastsMs?: number;
  /** Of a crash: until the next daemon starts. Without it a moment. */
  downMs?: number;
}

/** One daemon process. Once it is over, none of its requests leaves any more. */
export class Life {
  #over = false;

  get over(): boolean {
    return this.#over;
  }

  end(): void {
    this.#over = true;
  }
}

export interface WireOptions {
  clock: Pick<Clock, 'sleep' | 'now' | 'monotonic'> & { after(ms: number, task: () => void | Promise<void>): () => void };
  strikes: readonly Strike[];
  /** See Site. */
  at: () => string;
  onCrash: (downMs: number) => void;
}

/** On the way there and on the way back, in ms: controllers act meanwhile. Now and then a request is slow. */
const TRANSIT_MS = 4;
const SLOW_TRANSIT_MS = 60;
const SLOW = 0.05;

const RESTART_MS = 300;

/** Names that differ from story to story. */
const NAMES = /\b(?:(?:pvc|disk)-[\da-f-]{36}|d-sim\w+|(?:data|log)-web-\d|web-\d(?:-[a-z]{5})?|first)\b/g;

/** What it asks, of whichever object in that role. */
export function questionOf({ what }: Pick<Site, 'what'>): string {
  return what.replace(/\?(?:.*(dryRun))?.*/, ' $1').replaceAll(NAMES, '*');
}

/** How late an effect comes after its process died: before, around and after the next daemon's first writes. */
const LATE_MS = [350, 900, 5_000] as const;

/**
 * A patch or a delete names the version that it was meant for, and fails when it comes after the story is over. A create cannot: the next
 * daemon, which starts only when the lease has run out, must find it done.
 */
function lateMs({ what, number }: Site): number {
  const drawn = LATE_MS[number % LATE_MS.length] ?? 0;
  return what.startsWith('POST ') ? Math.min(drawn, 900) : drawn;
}

interface Exchange<A> {
  site: Omit<Site, 'number' | 'at'>;
  life: Life;
  send: () => Promise<A>;
  sendInto: (trouble: WrongAnswer) => Promise<A>;
}

export class Wire {
  readonly sites: Site[] = [];
  /** Troubles that were met. */
  readonly struck: (Site & { trouble: Trouble })[] = [];
  readonly #options: WireOptions;
  readonly #random = new SeededRandom(3);
  #lasting: { question: string; trouble: Trouble; until: number } | undefined;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  http(http: Http, life: Life): Http {
    const { clock } = this.#options;
    return {
      send: (request) =>
        this.#pass({
          site: { api: 'kubernetes', what: `${request.method} ${request.path}`, changes: request.method !== 'GET' && !/[?&]dryRun=/.test(request.path) },
          life,
          send: () => http.send(request),
          sendInto: (trouble) => answeredWrongly(http, request, { trouble, clock }),
        }),
    };
  }

  cloud(ecs: EcsCall, life: Life): EcsCall {
    const { clock } = this.#options;
    return {
      call: (action, parameters) =>
        this.#pass({
          site: { api: 'cloud', what: action, changes: !action.startsWith('Describe') },
          life,
          send: () => ecs.call(action, parameters),
          sendInto: (trouble) => failedByTheCloud(ecs, { action, parameters }, { trouble, clock }),
        }),
    };
  }

  #pass<A>(exchange: Exchange<A>): Promise<A> {
    if (exchange.life.over) return never();
    const site: Site = { number: this.sites.length + 1, at: this.#options.at(), ...exchange.site };
    this.sites.push(site);
    const trouble = this.#troubleAt(site);
    const send = this.#inTransit(exchange.send);
    if (trouble === undefined) return alive(exchange.life, send());
    this.struck.push({ ...site, trouble });
    if (isCrash(trouble)) return this.#crash(trouble, { ...exchange, send }, site);
    return alive(exchange.life, this.#inTransit(() => exchange.sendInto(trouble))());
  }

  #troubleAt(site: Site): Trouble | undefined {
    const { strikes, clock } = this.#options;
    const strike = strikes.find(({ site: number }) => number === site.number);
    if (strike?.lastsMs !== undefined) this.#lasting = { question: questionOf(site), trouble: strike.trouble, until: clock.monotonic() + strike.lastsMs };
    const { question, trouble, until } = this.#lasting ?? { question: '', trouble: undefined, until: 0 };
    return strike?.trouble ?? (question === questionOf(site) && clock.monotonic() < until ? trouble : undefined);
  }

  #inTransit<A>(send: () => Promise<A>): () => Promise<A> {
    const [there, back] = [this.#transitMs(), this.#transitMs()];
    const { clock } = this.#options;
    return async () => {
      await clock.sleep(there);
      try {
        return await send();
      } finally {
        await clock.sleep(back);
      }
    };
  }

  #transitMs(): number {
    return Math.floor(this.#random.next() * (this.#random.next() < SLOW ? SLOW_TRANSIT_MS : TRANSIT_MS));
  }

  async #crash<A>(crash: Crash, { life, send }: Exchange<A>, site: Site): Promise<A> {
    const { clock } = this.#options;
    const onCrash = (): void => this.#options.onCrash(this.#options.strikes.find((strike) => strike.site === site.number)?.downMs ?? RESTART_MS);
    if (crash === 'crash after the answer, before the next request') {
      const answer = await send().finally(() => {
        life.end();
        onCrash();
      });
      return answer;
    }
    life.end();
    onCrash();
    // A refusal that nobody hears is none.
    if (crash === 'crash after the effect, before the answer') await Promise.allSettled([send()]);
    if (crash === 'crash, and the effect comes late') {
      clock.after(lateMs(site), async () => {
        await Promise.allSettled([send()]);
      });
    }
    return never();
  }
}

/** The answer, unless the process died while it waited for it. */
async function alive<A>(life: Life, answer: Promise<A>): Promise<A> {
  try {
    return await answer;
  } finally {
    if (life.over) await never();
  }
}

/** What a dead process waits for. */
function never<A>(): Promise<A> {
  return new Promise<A>(() => {});
}
