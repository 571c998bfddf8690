// Rotation in virtual time: two and three replicas with clocks of their own, killed at any write, over one API server. At every instant
// whatever a replica serves must verify, on every API server's clock, against every bundle that any of the two configurations has.

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CertificateKeeper } from '../../src/admission/certificate-keeper.ts';
import { CERTIFICATES_SECRET, folderSource, secretSource, type CertificateSource } from '../../src/admission/certificate-source.ts';
import { renewed, type Certificates, type Lifetimes, type SelfMade } from '../../src/admission/certificates.ts';
import { bundlesOf, register } from '../../src/admission/registration.ts';
import { TrustWatch } from '../../src/admission/trust.ts';
import type { Api } from '../../src/kubernetes/api.ts';
import { mutatingWebhooks, secrets, validatingWebhooks } from '../../src/kubernetes/objects.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { FakeApi } from '../fakes/api.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';
import { SeededRandom } from '../fakes/random.ts';

const FULL = process.env['ZONESPREAD_FULL'] !== undefined;
const START = '2026-11-20T10:00:00.000Z';
const OWN = 'zonespread-system';
const NAMES = ['zonespread-webhook.zonespread-system.svc'];
const MINUTE_MS = 60_000;
/** The real ones, months to minutes. */
const LIVES: Lifetimes = { authority: 50 * MINUTE_MS, authorityMargin: 15 * MINUTE_MS, leaf: 10 * MINUTE_MS, leafMargin: 4 * MINUTE_MS, backdated: 2 * MINUTE_MS, skew: 2 * MINUTE_MS };
/** How wrong the clock of any machine is, at most. */
const WRONG_MS = 30_000;
const SETTLE_MS = MINUTE_MS;
const TEND_MS = 10_000;
const SECRET = { namespace: OWN, name: CERTIFICATES_SECRET };
const CONFIGURATION = { name: 'zonespread' };

class Killed extends Error {}

/** Kills the replica that makes the `at`th write of all, before or after its effect. */
interface Kill {
  at: number;
  when: 'before' | 'after';
}

class Site {
  readonly clock = new FakeClock(START);
  readonly api = new FakeApi({ clock: this.clock });
  readonly replicas: Replica[] = [];
  readonly violations: string[] = [];
  readonly kill: Kill | undefined;
  writes = 0;
  kills = 0;
  readonly #verified = new Map<string, boolean>();
  readonly #parsed = new Map<string, X509Certificate>();

  constructor(kill?: Kill) {
    this.kill = kill;
    for (const resource of [mutatingWebhooks, validatingWebhooks, secrets]) this.api.onChange(resource, () => this.check());
  }

  /** Of everything that is served now against everything that is registered now. */
  check(): void {
    for (const resource of [mutatingWebhooks, validatingWebhooks]) {
      const configuration = this.api.read(resource, CONFIGURATION);
      if (configuration === undefined) continue;
      for (const { served, name } of this.replicas) {
        if (served !== undefined && ![...new Set(bundlesOf(configuration))].every((bundle) => this.#verifies(served, bundle))) this.violations.push(`${new Date(this.clock.now()).toISOString()}: ${name} serves what ${resource.kind} does not trust`);
      }
    }
  }

  #verifies({ certificate }: Certificates, bundle: string): boolean {
    const leaf = this.#parse(certificate);
    const authorities = bundle.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
    return this.#holdsNow(leaf) && authorities.some((authority) => this.#signed(authority, certificate, leaf));
  }

  #holdsNow(certificate: X509Certificate): boolean {
    return Date.parse(certificate.validFrom) <= this.clock.now() - WRONG_MS && Date.parse(certificate.validTo) >= this.clock.now() + WRONG_MS;
  }

  #signed(authority: string, certificate: string, leaf: X509Certificate): boolean {
    const key = `${authority}${certificate}`;
    const known = this.#verified.get(key) ?? leaf.verify(this.#parse(authority).publicKey);
    this.#verified.set(key, known);
    return known && this.#holdsNow(this.#parse(authority));
  }

  #parse(pem: string): X509Certificate {
    const known = this.#parsed.get(pem) ?? new X509Certificate(pem);
    this.#parsed.set(pem, known);
    return known;
  }

  async run(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    for (let second = 0; this.clock.now() < end; second++) {
      await this.#settled();
      await this.clock.advance(1_000);
      // What changes is checked when it does; that something ends is seen here.
      if (second % 10 === 0) this.check();
    }
  }

  /** Keys are made in other threads, in real time; virtual time waits for them: whoever is alive sleeps in the end. */
  async #settled(): Promise<void> {
    while (this.clock.sleeping < this.replicas.length) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  stored(file: string): string {
    return Buffer.from(this.api.read(secrets, SECRET)?.data?.[file] ?? '', 'base64').toString();
  }
}

interface ReplicaOptions {
  site: Site;
  name: string;
  skewMs: number;
  seed: number;
  source: (api: Api, clock: Clock) => CertificateSource;
}

/** Tends until it is killed, is down for a while, and starts again with nothing in its memory. */
class Replica {
  readonly name: string;
  served: Certificates | undefined;
  readonly #options: ReplicaOptions;
  readonly #random: SeededRandom;

  constructor(options: ReplicaOptions) {
    this.name = options.name;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    void this.#live();
  }

  async #live(): Promise<never> {
    const { site } = this.#options;
    for (;;) {
      await site.clock.sleep(this.#random.next() * TEND_MS);
      try {
        await this.#lifetime();
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        this.served = undefined;
        site.kills += 1;
        await site.clock.sleep(this.#random.next() * 2 * MINUTE_MS);
      }
    }
  }

  async #lifetime(): Promise<never> {
    const { site, source: sourceOn } = this.#options;
    const [api, clock] = [this.#api(), this.#clock()];
    const source = sourceOn(api, clock);
    const begun = await source.read();
    const keeper = new CertificateKeeper({
      source,
      trust: new TrustWatch({ api, clock, settleMs: SETTLE_MS }),
      clock,
      log: new FakeLog(),
      served: begun,
      serve: (next) => {
        this.served = next;
        site.check();
      },
      register: async (bundleFor) => {
        await register(api, { target: { service: { name: 'zonespread-webhook', namespace: OWN } }, bundle: '', ownNamespace: OWN, namespaces: [], controller: undefined }, bundleFor);
      },
      waits: true,
    });
    for (let round = 0; ; round++) {
      for (const part of [() => keeper.renew(), () => keeper.register()]) {
        await part().catch((error: unknown) => {
          if (error instanceof Killed) throw error;
        });
      }
      // It listens from its start, and is ready (so that it is asked) when it has registered.
      if (round === 0) this.served ??= begun;
      await clock.sleep(TEND_MS * (0.9 + 0.2 * this.#random.next()));
    }
  }

  #clock(): Clock {
    const { site, skewMs } = this.#options;
    return { now: () => site.clock.now() + skewMs, monotonic: () => site.clock.monotonic(), sleep: (ms, signal) => site.clock.sleep(ms, signal) };
  }

  /** Each call takes its time, there and back; others act meanwhile. */
  #api(): Api {
    const { site } = this.#options;
    const call = async (isWrite: boolean, effect: () => Promise<unknown>): Promise<unknown> => {
      await site.clock.sleep(this.#random.next() * 500);
      const number = isWrite ? (site.writes += 1) : 0;
      const dies = isWrite && site.kill?.at === number ? site.kill.when : undefined;
      if (dies === 'before') throw new Killed();
      const answered = effect();
      // Whether it was done or refused: the answer reaches nobody.
      if (dies === 'after') throw await answered.then(() => new Killed(), () => new Killed());
      const result = await answered;
      await site.clock.sleep(this.#random.next() * 500);
      return result;
    };
    const writing = new Set(['create', 'mergePatch']);
    return new Proxy<Api>(site.api, {
      get: (target, verb: keyof Api) => (...args: unknown[]) => call(writing.has(verb), () => (target[verb] as (...given: unknown[]) => Promise<unknown>).apply(target, args)),
    });
  }
}

/** A Secret whose CA is nearly due, and the configurations that go with it. */
async function aged(site: Site): Promise<SelfMade> {
  const now = site.clock.now();
  const old = await renewed(await renewed(undefined, NAMES, now - 32 * MINUTE_MS, { lifetimes: LIVES }), NAMES, now - MINUTE_MS, { lifetimes: LIVES });
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  site.api.put(secrets, { metadata: { ...SECRET }, data: { 'ca.crt': encode(old.bundle), 'ca.key': encode(old.authorityKey), 'tls.crt': encode(old.certificate), 'tls.key': encode(old.key) } });
  return old;
}

function replicas(site: Site, count: number, seed: number, source: ReplicaOptions['source'] = ofSecret): void {
  for (let index = 0; index < count; index++) {
    site.replicas.push(new Replica({ site, name: `replica ${index}`, skewMs: [WRONG_MS, -WRONG_MS, 0][index % 3]!, seed: seed * 10 + index, source }));
  }
}

const ofSecret: ReplicaOptions['source'] = (api, clock) => secretSource({ api, clock, namespace: OWN, names: NAMES, lifetimes: LIVES });

/** The old CA is gone everywhere, and all serve what the new one signed. */
function expectRotated(site: Site, old: SelfMade): void {
  expect(site.violations).toEqual([]);
  const bundle = site.stored('ca.crt');
  expect(bundle.match(/BEGIN/g)).toHaveLength(1);
  expect(bundle).not.toContain(old.bundle.trim());
  for (const resource of [mutatingWebhooks, validatingWebhooks]) expect(new Set(bundlesOf(site.api.read(resource, CONFIGURATION)!))).toEqual(new Set([bundle]));
  for (const { served } of site.replicas) {
    expect(new X509Certificate(served!.certificate).verify(new X509Certificate(bundle).publicKey)).toBe(true);
  }
}

/** From three minutes before the CA is due to after its last leaf has ended. */
const ROTATION_MS = 22 * MINUTE_MS;

describe('rotation in virtual time', () => {
  test.each([2, 3])('with %i replicas whose clocks differ, nothing that is served is ever not trusted', { timeout: 60_000 }, async (count) => {
    const site = new Site();
    const old = await aged(site);
    replicas(site, count, count);
    await site.run(ROTATION_MS);
    expectRotated(site, old);
  });

  test('from nothing, through several lives of a CA', { timeout: 60_000 }, async () => {
    const site = new Site();
    replicas(site, 2, 5);
    const seen = new Set<string>();
    const parts = FULL ? 30 : 8;
    for (let part = 0; part < parts; part++) {
      await site.run(10 * MINUTE_MS);
      seen.add(site.stored('ca.crt'));
    }
    expect(site.violations).toEqual([]);
    // Alone, announced, alone again …
    expect(seen.size).toBeGreaterThanOrEqual(parts / 3);
  });

  describe('killed at a write', () => {
    const every = FULL ? 1 : 7;
    const sites = Array.from({ length: 16 }, (_, index): Kill[] => [{ at: index + 1, when: 'before' }, { at: index + 1, when: 'after' }]).flat();
    test.each(sites.filter((_, index) => index % every === 0))('number $at, $when its effect, it comes out the same', { timeout: 60_000 }, async (kill) => {
      const site = new Site(kill);
      const old = await aged(site);
      replicas(site, 2 + (kill.at % 2), 100 + kill.at);
      await site.run(ROTATION_MS + 4 * MINUTE_MS);
      // Of the last numbers some are never reached: fewer writes were needed.
      expect(site.kills).toBe(kill.at <= site.writes ? 1 : 0);
      expectRotated(site, old);
    });
  });

  test('when somebody deletes the Secret in the middle, the next one begins where the old one was', { timeout: 60_000 }, async () => {
    const site = new Site();
    const old = await aged(site);
    replicas(site, 3, 7);
    await site.run(2 * MINUTE_MS);
    site.api.remove(secrets, SECRET);
    await site.run(ROTATION_MS);
    expectRotated(site, old);
  });

  test('when somebody resets a bundle, it is put right within a round, and nothing new is served meanwhile', { timeout: 60_000 }, async () => {
    const site = new Site();
    await aged(site);
    replicas(site, 2, 8);
    await site.run(3 * MINUTE_MS);
    const announced = site.stored('ca.crt');
    expect(announced.match(/BEGIN/g)).toHaveLength(2);
    const before = site.stored('tls.crt');
    for (let reset = 0; reset < 6; reset++) {
      site.api.change(mutatingWebhooks, CONFIGURATION, (configuration) => {
        for (const webhook of configuration.webhooks as { clientConfig: { caBundle?: string } }[]) delete webhook.clientConfig.caBundle;
        configuration.metadata.generation = (configuration.metadata.generation ?? 0) + 1;
      });
      await site.run(2 * TEND_MS);
      expect(new Set(bundlesOf(site.api.read(mutatingWebhooks, CONFIGURATION)!))).toEqual(new Set([announced]));
    }
    expect(site.stored('tls.crt')).toBe(before);
    await site.run(2 * MINUTE_MS);
    expect(site.stored('tls.crt')).not.toBe(before);
  });

  test('folders that change at different moments: the new certificate waits until its CA is trusted, the old CA stays', { timeout: 60_000 }, async () => {
    const site = new Site();
    const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'rotation-')));
    try {
      const now = site.clock.now();
      const [first, second] = [await renewed(undefined, NAMES, now), await renewed(undefined, NAMES, now)];
      const fill = (folder: string, { certificate, key, bundle }: Certificates): void => {
        for (const [file, text] of Object.entries({ 'tls.crt': certificate, 'tls.key': key, 'ca.crt': bundle })) writeFileSync(join(folder, file), text);
      };
      for (const folder of folders) fill(folder, first);
      let given = 0;
      replicas(site, 2, 9, (_api, clock) => folderSource(folders[given++ % 2]!, clock));
      await site.run(2 * MINUTE_MS);
      fill(folders[0]!, second);
      await site.run(1.5 * MINUTE_MS);
      fill(folders[1]!, second);
      await site.run(3 * MINUTE_MS);
      expect(site.violations).toEqual([]);
      expect(site.replicas.map(({ served }) => served?.certificate)).toEqual([second.certificate, second.certificate]);
      for (const bundle of bundlesOf(site.api.read(validatingWebhooks, CONFIGURATION)!)) expect([first, second].every(({ bundle: own }) => bundle.includes(own.trim()))).toBe(true);
    } finally {
      for (const folder of folders) rmSync(folder, { recursive: true });
    }
  });
});
