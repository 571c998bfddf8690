// What every controller gets, and what it makes of it: its own client under its own name, its own caches, its own workers.

import type { KubernetesObject, Resource } from '../../kubernetes/objects.ts';
import type { Random } from '../../ports/random.ts';
import type { ApiServer, Client, UserInfo } from '../apiserver/contract.ts';
import { slowClient } from './client.ts';
import { Informer } from './informer.ts';
import type { Pace } from './pace.ts';
import type { Tasks } from './tasks.ts';
import { Worker, type WorkerOptions } from './worker.ts';

export interface Setting {
  server: ApiServer;
  tasks: Tasks;
  random: Random;
  pace: Pace;
}

/** A service account of kube-system, as the controller manager's controllers and the CSI sidecars have them. */
export function kubeSystemAccount(name: string): UserInfo {
  return { username: `system:serviceaccount:kube-system:${name}`, groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'] };
}

export class Controller {
  readonly name: string;
  readonly client: Client;
  protected readonly setting: Setting;
  readonly #workers: Worker[] = [];

  constructor(setting: Setting, user: UserInfo) {
    this.setting = setting;
    this.name = user.username.slice(user.username.lastIndexOf(':') + 1);
    this.client = slowClient(setting.server.client(user), { tasks: setting.tasks, pace: setting.pace });
  }

  /** Stands still until `resume`: its process hangs, or another one holds the lease and has not begun. */
  pause(): void {
    for (const worker of this.#workers) worker.pause();
  }

  resume(): void {
    for (const worker of this.#workers) worker.resume();
  }

  get idle(): boolean {
    return this.#workers.every((worker) => worker.idle);
  }

  protected informer<T extends KubernetesObject>(resource: Resource<T>): Informer<T> {
    return new Informer({ server: this.setting.server, tasks: this.setting.tasks, resource, lagMs: this.setting.pace.watchMs });
  }

  protected worker(options: Pick<WorkerOptions, 'reconcile' | 'retry'>): Worker {
    const worker = new Worker({ tasks: this.setting.tasks, paceMs: this.setting.pace.reconcileMs, ...options });
    this.#workers.push(worker);
    return worker;
  }

  /** A copy to change: what the server and the caches give is frozen. */
  protected edited<T extends KubernetesObject>(object: T, edit: (copy: T) => void): T {
    const copy = structuredClone(object);
    edit(copy);
    return copy;
  }
}
