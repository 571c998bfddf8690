// The health gate on a real Prometheus: between two moves the set's query must have been true for its health duration, and whatever keeps
// Prometheus from saying so holds the set, with the reason in the report. One daemon goes through all of it.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { phaseOf } from '../../src/migration/record.ts';
import { startPrometheus, type RunningPrometheus } from '../prometheus/start.ts';
import { expectMoves } from './expect.ts';
import { startRealWorld } from './real-world.ts';
import { inScene, type Scene } from './scene.ts';
import type { World } from './world.ts';

const GAUGE = 'shop_healthy';
const HEALTH_DURATION_MS = 3_000;
/** Longer than the health duration and the daemon's sweep together: what could start would have. */
const WHILE_MS = 5_500;

let world: World;
let workload: Workload;
let prometheus: RunningPrometheus;

beforeAll(async () => {
  world = await startRealWorld();
  workload = await Workload.start();
  prometheus = await startPrometheus({ targets: [workload.address] });
});

afterAll(async () => {
  await prometheus?.stop();
  await workload?.stop();
  await world?.stop();
});

it('holds every move until the query has been true for the health duration, by what a real Prometheus says (real control plane)', () =>
  inScene(world, 'health', async (scene) => {
    const { a, b, c } = world.zones;
    await scene.createSet({ replicas: 3 });
    await prometheusSees(scene, 0);
    await scene.startDaemon({ prometheus: prometheus.url });

    // 0: not true.
    await scene.annotate({ zones: `${a},${b},${c}`, 'health-query': GAUGE, 'health-duration': '3s' });
    await untilHeld(scene, new RegExp(`zonespread\\.io/health-query \\(${GAUGE}\\) is not true`));
    await nothingStarts(scene, 0);
    await scene.until('an event says so', () => scene.eventTexts().some((text) => text.startsWith('SpreadBlocked: HealthQueryUnmet')));

    // 1 for the health duration: one move, and not before.
    workload.healthy = 1;
    const healthySince = world.clock.now();
    // Until it is Running the gate may still hold it.
    await scene.untilMigration('the first ordinal begins to move', (record) => record.spec.ordinal === 2 && phaseOf(record) === 'Running');
    expect(world.clock.now() - healthySince, 'for how long it was healthy when the move began').toBeGreaterThanOrEqual(HEALTH_DURATION_MS);

    // 0 again while it moves: it ends its move, and the next one does not begin.
    workload.healthy = 0;
    await scene.untilPhase('Succeeded');
    await untilHeld(scene, /is not true/);
    await nothingStarts(scene, 1);

    // A query that Prometheus does not understand, and one that gives nothing, although the gauge is fine by now.
    workload.healthy = 1;
    await scene.annotate({ 'health-query': `sum(${GAUGE}` });
    await untilHeld(scene, /health-query cannot be asked: Prometheus at \S+ refuses the query: .*parse error: unclosed left parenthesis/);
    await scene.annotate({ 'health-query': 'nobody_exports_this == 1' });
    await untilHeld(scene, /\(nobody_exports_this == 1\) does not give anything now/);
    await nothingStarts(scene, 1);

    // No Prometheus, although the query is right again.
    await prometheus.end();
    await scene.annotate({ 'health-query': `${GAUGE} == 1` });
    await untilHeld(scene, /health-query cannot be asked: no answer from Prometheus at http:\/\/127\.0\.0\.1:\d+: /);
    await nothingStarts(scene, 1);

    // It is back: the next move begins when it has seen the health duration.
    await prometheus.startAgain();
    await scene.untilSpread({ [a]: 1, [b]: 1, [c]: 1 });
    expectMoves(scene, [2, 1]);
    await scene.until('the report has nothing to complain about', () => scene.report()?.status?.satisfied === true && (scene.report()?.status?.blocked ?? []).length === 0);
  }));

async function prometheusSees(scene: Scene, value: number): Promise<void> {
  await scene.until(`Prometheus has scraped ${value}`, async () => (await prometheus.values(GAUGE)).includes(value));
}

async function untilHeld(scene: Scene, says: RegExp): Promise<void> {
  await scene.until(`the report says HealthQueryUnmet, and ${says}`, () => {
    expect(scene.report()?.status?.blocked).toContainEqual(expect.objectContaining({ reason: 'HealthQueryUnmet', message: expect.stringMatching(says) }));
    return true;
  });
  expect(scene.report()?.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Blocked', status: 'True' }));
}

/** No record beyond those that there are. */
async function nothingStarts(scene: Scene, begunSoFar: number): Promise<void> {
  await scene.throughout(WHILE_MS, () => expect(scene.migrations.all()).toHaveLength(begunSoFar));
}

/** What the health of an application is measured by: an exporter with one gauge, which starts at 0. */
class Workload {
  healthy = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Workload> {
    const server = createServer();
    const started = new Workload(server);
    server.on('request', (_request, response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4').end(`# TYPE ${GAUGE} gauge\n${GAUGE} ${started.healthy}\n`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return started;
  }

  /** host:port */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
