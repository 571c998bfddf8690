// The chart's roles against what the program asks of the API server in hostile histories: nothing that it asks for is missing. That no
// rule is there in vain is shown on a real control plane, where the roles are at work (test/helm/install.e2e.test.ts).

import { describe, expect, it } from 'vitest';
import { RIGHTS } from '../../src/cli/doctor/rights.ts';
import { createEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/cluster.ts';
import { drawPlan } from '../../src/histories/draw.ts';
import { play } from '../../src/histories/play.ts';
import type { Http } from '../../src/ports/http.ts';
import { CALM } from '../../src/simulation/controllers/pace.ts';
import { Tasks } from '../../src/simulation/controllers/tasks.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { SeededRandom } from '../../src/simulation/seeded-random.ts';
import { FakeLog } from '../fakes/log.ts';
import { askOf, describeAsk, describeGrant, grants, grantsOf, rulesOf, type Ask, type Grant } from './rights.ts';

const OWN_NAMESPACE = 'zonespread-system';
const HISTORIES = process.env['ZONESPREAD_FULL'] === '1' ? 300 : 3;
/** Of what the daemon is granted, what so few histories reach at least. */
const REACHED = 0.75;

/** What is sent, once each. */
class Book {
  readonly asks = new Map<string, Ask>();

  readonly wrap = (http: Http): Http => ({
    send: (request) => {
      const ask = askOf(request);
      if (ask !== undefined) this.asks.set(describeAsk(ask), ask);
      return http.send(request);
    },
  });

  /** What none of the roles grants: those of our own namespace hold there alone. */
  refused(part: 'controller' | 'webhook'): string[] {
    const everywhere = grantsOf([...rulesOf(`${part}.cluster`), ...rulesOf(`${part}.namespaced`)]);
    const own = grantsOf(rulesOf(`${part}.own`));
    return [...this.asks.values()].filter((ask) => ![...everywhere, ...(ask.namespace === OWN_NAMESPACE ? own : [])].some((grant) => grants(grant, ask))).map((ask) => describeAsk(ask));
  }

  unused(all: readonly Grant[]): string[] {
    return all.filter((grant) => ![...this.asks.values()].some((ask) => grants(grant, ask))).map((grant) => describeGrant(grant));
  }
}

describe('a request asks for', () => {
  it.each<['GET' | 'POST' | 'PATCH' | 'DELETE', string, string | undefined]>([
    ['GET', '/api/v1/pods?limit=500', 'list pods '],
    ['GET', '/api/v1/namespaces/shop/pods?watch=1', 'watch pods shop/'],
    ['GET', '/api/v1/namespaces/kube-system', 'get namespaces kube-system'],
    ['PATCH', '/api/v1/namespaces/shop?fieldManager=zonespread', 'patch namespaces shop'],
    ['POST', '/api/v1/namespaces/shop/pods/web-2/eviction', 'create pods/eviction shop/web-2'],
    ['PATCH', '/apis/zonespread.io/v1alpha1/namespaces/shop/ordinalmigrations/web-2-abcde/status', 'patch zonespread.io/ordinalmigrations/status shop/web-2-abcde'],
    ['PATCH', '/apis/zonespread.io/v1alpha1/zoneevacuations/leave/status', 'patch zonespread.io/zoneevacuations/status leave'],
    ['DELETE', '/api/v1/persistentvolumes/pv-1', 'delete persistentvolumes pv-1'],
    ['GET', '/apis/zonespread.io/v1alpha1', undefined],
    ['POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', undefined],
  ])('%s %s: %s', (method, path, wanted) => {
    const ask = askOf({ method, path });
    expect(ask === undefined ? undefined : describeAsk(ask)).toBe(wanted);
  });
});

describe("the chart's roles", () => {
  it(`grant the daemon whatever it asks for in ${HISTORIES} hostile histories`, { timeout: 20_000 * HISTORIES }, async () => {
    const book = new Book();
    for (let seed = 1; seed <= HISTORIES; seed += 1) {
      const { broken } = await play(drawPlan(seed), { plant: { http: book.wrap } });
      expect(broken, `history ${seed}`).toBeUndefined();
    }
    expect(book.refused('controller')).toEqual([]);
    // What they reach is most of it, or this test would hold nothing.
    const granted = grantsOf([...rulesOf('controller.namespaced'), ...rulesOf('controller.cluster'), ...rulesOf('controller.own')]);
    expect(1 - book.unused(granted).length / granted.length, `the share that is used; not: ${book.unused(granted).join(', ')}`).toBeGreaterThan(REACHED);
  });

  it('with a list of namespaces, of what has one nothing is asked for elsewhere but by a sweep that can do without', async () => {
    const cluster = await emptyCluster();
    const { clock } = cluster.simulated;
    const book = new Book();
    const daemon = cluster.startDaemon({ settings: { namespaces: ['shop', 'bank'] }, http: book.wrap });
    await cluster.simulated.settle(clock.sleep(600_000));
    expect(daemon.alive).toBe(true);
    daemon.kill();

    const namespaced = grantsOf(rulesOf('controller.namespaced'));
    const elsewhere = [...book.asks.values()].filter((ask) => namespaced.some((grant) => grants(grant, ask)) && !['shop', 'bank'].includes(ask.namespace));
    expect(elsewhere.map((ask) => describeAsk(ask))).toEqual(['list zonespread.io/ordinalmigrations ']);
    expect(book.asks.size).toBeGreaterThan(30);
  });

  it('are what doctor asks for', () => {
    const granted = grantsOf([...rulesOf('controller.namespaced'), ...rulesOf('controller.cluster')]).filter(({ rule, group }) => rule.resourceNames === undefined && group !== 'apps.kruise.io');
    const asked = RIGHTS.flatMap(({ group, resource, subresource, verbs }) => verbs.map((verb) => describeAsk({ verb, group, resource: subresource === undefined ? resource : `${resource}/${subresource}`, namespace: '', name: '' })));
    expect(asked.toSorted()).toEqual(granted.map(({ verb, group, resource }) => describeAsk({ verb, group, resource, namespace: '', name: '' })).toSorted());
  });

  it('grant the webhook what it asks for to watch and to register', async () => {
    const cluster = await emptyCluster();
    const book = new Book();
    await cluster.simulated.settle(cluster.startWebhook({ http: book.wrap }).ready);
    expect(book.refused('webhook')).toEqual([]);
    expect(book.unused(grantsOf([...rulesOf('webhook.namespaced'), ...rulesOf('webhook.cluster')]))).toEqual([
      // Only when a person overrides the guard of a move.
      'get events',
      'create events',
      'patch events',
      // Only when somebody has changed one of them.
      'patch admissionregistration.k8s.io/mutatingwebhookconfigurations zonespread',
      'patch admissionregistration.k8s.io/validatingwebhookconfigurations zonespread',
      // Only with --owner, as the chart starts it.
      'get rbac.authorization.k8s.io/clusterroles zonespread-webhook',
    ]);
  });
});

function emptyCluster(): Promise<EmbeddedCluster> {
  const clock = new Tasks({ random: new SeededRandom(1), start: '2026-11-20T10:00:00.000Z' });
  const random = new SeededRandom(2);
  const ecs = new EcsModel({ clock, random, region: 'cn-test', zones: [] });
  return createEmbeddedCluster({ clock, random, ecs, nodes: [], pace: CALM, log: new FakeLog() });
}
