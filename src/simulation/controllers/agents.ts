// The nodes of a simulated cluster: the kubelets that also run against a real API server, each under its node's own name, all on one
// cache that lags like any other.

import { claims, nodes, pods, volumeAttachments, volumes, type KubernetesObject, type Resource } from '../../kubernetes/objects.ts';
import type { Log } from '../../ports/log.ts';
import type { Behaviour } from '../kubelet/behaviour.ts';
import type { KubeletRecords } from '../kubelet/records.ts';
import type { NodeSpec } from '../kubelet/registration.ts';
import type { SimulatedCloud } from '../nodes/cloud.ts';
import { NodeAgent } from '../nodes/node-agent.ts';
import { WatchedCluster, type Watched } from '../nodes/watched-cluster.ts';
import { agentApi } from './agent-api.ts';
import { slowClient } from './client.ts';
import { Informer } from './informer.ts';
import type { Setting } from './setting.ts';

export interface NodesOptions {
  setting: Setting;
  cloud: SimulatedCloud;
  behaviour: Behaviour;
  records: KubeletRecords;
  nodeLeases: boolean | undefined;
}

export class SimulatedNodes {
  readonly #options: NodesOptions;
  readonly #cache = new WatchedCluster();
  readonly #kubelets = new Map<string, NodeAgent>();
  #addresses = 0;

  constructor(options: NodesOptions) {
    this.#options = options;
    this.#follow(pods, 'Pod');
    this.#follow(claims, 'PersistentVolumeClaim');
    this.#follow(volumes, 'PersistentVolume');
    this.#follow(volumeAttachments, 'VolumeAttachment');
    this.#follow(nodes, 'Node');
  }

  names(): string[] {
    return [...this.#kubelets.keys()];
  }

  /** Pods that do not start, with what they wait for. */
  waiting(): { node: string; pod: string; reason: string }[] {
    return [...this.#kubelets].flatMap(([node, kubelet]) => kubelet.waiting().map(({ pod, reason }) => ({ node, pod, reason })));
  }

  /** Resolves when it is registered. */
  async add(spec: NodeSpec): Promise<void> {
    const { setting, cloud, behaviour, records, nodeLeases } = this.#options;
    const { server, tasks, pace } = setting;
    const username = `system:node:${spec.name}`;
    const client = slowClient(server.client({ username, groups: ['system:nodes', 'system:authenticated'] }), { tasks, pace });
    const api = agentApi(client, server, username);
    const addresses = { hostIP: this.#address('192.168'), nextPodIP: () => this.#address('10.64') };
    const kubelet = new NodeAgent({ spec, api, cluster: this.#cache, cloud, clock: tasks, behaviour, records, log: SILENCE, renewsLease: nodeLeases, ...addresses });
    this.#kubelets.set(spec.name, kubelet);
    await kubelet.start();
  }

  /** The machine and its kubelet are gone; the Node object is whoever deletes it. */
  async removeMachine(name: string): Promise<void> {
    const kubelet = this.kubelet(name);
    this.#kubelets.delete(name);
    const stopped = kubelet.stop();
    await this.#options.cloud.removeInstance(kubelet.instanceId);
    await stopped;
  }

  kubelet(name: string): NodeAgent {
    const kubelet = this.#kubelets.get(name);
    if (kubelet === undefined) throw new Error(`There is no simulated node "${name}": there are ${this.names().join(', ')}`);
    return kubelet;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#kubelets.values()].map((kubelet) => kubelet.stop()));
  }

  #follow<T extends KubernetesObject>(resource: Resource<T>, kind: Watched['kind']): void {
    const { setting } = this.#options;
    const informer = new Informer({ server: setting.server, tasks: setting.tasks, resource, lagMs: setting.pace.watchMs });
    informer.onChange(({ type, object }) => {
      const watched = { kind, object } as unknown as Watched;
      if (type === 'DELETED') this.#cache.delete(watched);
      else this.#cache.set(watched);
    });
  }

  #address(network: string): string {
    this.#addresses += 1;
    return `${network}.${Math.floor(this.#addresses / 250) % 250}.${(this.#addresses % 250) + 1}`;
  }
}

/** What a kubelet complains of is tried again and shows in `waiting`. */
const SILENCE: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => SILENCE };
