// Events as controllers write them: one object per cause, counted when it comes again.

import { events, type KubernetesObject, type Resource } from '../../kubernetes/objects.ts';
import { apiVersionOf } from '../../kubernetes/objects.ts';
import { timestamp } from '../../ports/clock.ts';
import { Refusal, type Client } from '../apiserver/contract.ts';
import type { Setting } from './setting.ts';

export interface Note {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

export class EventWriter {
  readonly #setting: Setting;
  readonly #client: Client;
  readonly #component: string;
  /** By object, reason and message: the Event's name and how often. */
  readonly #written = new Map<string, { name: string; count: number }>();
  #number = 0;

  constructor(setting: Setting, client: Client, component: string) {
    this.#setting = setting;
    this.#client = client;
    this.#component = component;
  }

  /** Written on the side: nobody waits for it, and a refusal is nobody's trouble, as in Kubernetes. */
  write(resource: Resource, object: KubernetesObject, note: Note): void {
    this.#setting.tasks.run(() => this.#write(resource, object, note));
  }

  async #write(resource: Resource, object: KubernetesObject, note: Note): Promise<void> {
    const key = [object.metadata.uid, note.reason, note.message].join('\n');
    const known = this.#written.get(key);
    const entry = known ?? { name: `${object.metadata.name}.${this.#suffix()}`, count: 0 };
    entry.count += 1;
    this.#written.set(key, entry);
    const namespace = object.metadata.namespace ?? 'default';
    const now = wholeSeconds(timestamp(this.#setting.tasks));
    try {
      if (known !== undefined) await this.#client.mergePatch(events, { namespace, name: entry.name }, { count: entry.count, lastTimestamp: now });
      else await this.#client.create(events, this.#event(resource, object, { ...note, name: entry.name, namespace, now }));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }

  #event(resource: Resource, { metadata }: KubernetesObject, { name, namespace, now, ...note }: Note & { name: string; namespace: string; now: string }): KubernetesObject {
    return {
      metadata: { name, namespace },
      involvedObject: { apiVersion: apiVersionOf(resource), kind: resource.kind, name: metadata.name, namespace: metadata.namespace, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
      ...note,
      source: { component: this.#component },
      reportingComponent: this.#component,
      reportingInstance: '',
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
  }

  #suffix(): string {
    this.#number += 1;
    return `${this.#component.replaceAll(/[^a-z]/g, '').slice(0, 8)}${this.#number.toString(16).padStart(8, '0')}`;
  }
}

/** Kubernetes' own stamps have no fractions. */
export function wholeSeconds(stamp: string): string {
  return stamp.replace(/\.\d+Z$/, 'Z');
}
