// Between the product and the world: every request that a daemon sends, to the API server or to the cloud, passes here, is counted, and
// meets its trouble if it is the one that was chosen. A history is the same up to the first trouble, so a number names a request.

import type { Clock } from '../../src/ports/clock.ts';
import type { EcsCall } from '../../src/ports/ecs-call.ts';
import type { Http } from '../../src/ports/http.ts';
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
  onCrash: () => void;
}

/** How late an effect comes after its process died: before, around and after the next daemon's first writes. */
const LATE_MS = [350, 900, 5_000] as const;

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
    const trouble = this.#options.strikes.find((strike) => strike.site === site.number)?.trouble;
    if (trouble === undefined) return exchange.send();
    this.struck.push({ ...site, trouble });
    return isCrash(trouble) ? this.#crash(trouble, exchange, site) : exchange.sendInto(trouble);
  }

  async #crash<A>(crash: Crash, { life, send }: Exchange<A>, site: Site): Promise<A> {
    const { clock, onCrash } = this.#options;
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
      clock.after(LATE_MS[site.number % LATE_MS.length] ?? 0, async () => {
        await Promise.allSettled([send()]);
      });
    }
    return never();
  }
}

/** What a dead process waits for. */
function never<A>(): Promise<A> {
  return new Promise<A>(() => {});
}
