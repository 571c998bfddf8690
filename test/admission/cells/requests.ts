// A cell as a request to a real API server: under the actor's name, and dry, so that hundreds of them change nothing.

import { Agent, request } from 'undici';
import type { KubernetesObject } from '../../../src/kubernetes/objects.ts';
import { ACTORS } from './actors.ts';
import { mergePatched, type Act } from './acts.ts';
import type { Stage } from './stage.ts';
import type { Cell } from './table.ts';

export interface Answer {
  status: number;
  /** Of a refusal. */
  message: string;
  warnings: string[];
  /** As it would be stored. */
  object: KubernetesObject | undefined;
}

const PLURALS: Record<string, string> = {
  Pod: 'pods',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  PersistentVolume: 'persistentvolumes',
  StatefulSet: 'statefulsets',
  Namespace: 'namespaces',
  OrdinalMigration: 'ordinalmigrations',
  SpreadReport: 'spreadreports',
  ZoneEvacuation: 'zoneevacuations',
};

interface Call {
  method: string;
  path: string;
  contentType?: string;
  body?: object;
}

type Header = [name: string, value: string];

export class Requests {
  readonly #server: string;
  readonly #token: string;
  readonly #agent: Agent;
  /** What is there, by path: dry requests do not change it. */
  readonly #live = new Map<string, Promise<KubernetesObject>>();

  constructor({ server, token, ca }: { server: string; token: string; ca: string }) {
    this.#server = server;
    this.#token = token;
    // HTTP/2 would join groups into one.
    this.#agent = new Agent({ connect: { ca }, connections: 8, allowH2: false });
  }

  /** Something was written after all. */
  forget(): void {
    this.#live.clear();
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async send({ by, act }: Pick<Cell, 'by' | 'act'>, stage: Stage): Promise<Answer> {
    const { user, groups } = ACTORS[by];
    return this.#ask(await this.#callOf(act, stage), [['impersonate-user', user], ...groups.map((group): Header => ['impersonate-group', group])]);
  }

  async #callOf(act: Act, stage: Stage): Promise<Call> {
    const subject = act.subject(stage);
    const path = pathOf(subject);
    switch (act.verb) {
      case 'create':
        return { method: 'POST', path: `${collectionOf(subject)}?dryRun=All`, body: subject };
      case 'delete':
        return { method: 'DELETE', path, body: { dryRun: ['All'], ...(act.underUID === true ? { preconditions: { uid: (await this.#liveAt(path)).metadata.uid } } : {}) } };
      case 'deletecollection':
        return { method: 'DELETE', path: `${collectionOf(subject)}?dryRun=All&fieldSelector=metadata.name%3D${subject.metadata.name}` };
      case 'evict':
        return { method: 'POST', path: `${path}/eviction?dryRun=All`, body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: subject.metadata.name, namespace: subject.metadata.namespace }, deleteOptions: { dryRun: ['All'] } } };
      default:
        return this.#writeOf(act, stage, path);
    }
  }

  async #writeOf(act: Act, stage: Stage, path: string): Promise<Call> {
    const patch: { metadata?: object } | undefined = act.patch?.(stage);
    if (act.verb === 'update') return { method: 'PUT', path: `${path}?dryRun=All`, body: mergePatched(await this.#liveAt(path), patch) };
    if (act.verb === 'apply') {
      const { apiVersion, kind, metadata: { name } } = act.subject(stage);
      const body = { apiVersion, kind, ...patch, metadata: { name, ...patch?.metadata } };
      return { method: 'PATCH', path: `${path}?dryRun=All&fieldManager=gitops&force=true`, contentType: 'application/apply-patch+yaml', body };
    }
    const subresource = act.verb === 'status' || act.verb === 'scale' ? `/${act.verb}` : '';
    return { method: 'PATCH', path: `${path}${subresource}?dryRun=All`, contentType: 'application/merge-patch+json', body: patch ?? {} };
  }

  #liveAt(path: string): Promise<KubernetesObject> {
    const known = this.#live.get(path) ?? this.#read(path);
    this.#live.set(path, known);
    return known;
  }

  async #read(path: string): Promise<KubernetesObject> {
    const { object, message } = await this.#ask({ method: 'GET', path }, []);
    if (object === undefined) throw new Error(message);
    return object;
  }

  async #ask({ method, path, contentType = 'application/json', body }: Call, headers: Header[]): Promise<Answer> {
    const response = await request(`${this.#server}${path}`, {
      dispatcher: this.#agent,
      method,
      // As a list, for a name may be there several times.
      headers: [['authorization', `Bearer ${this.#token}`], ['content-type', contentType], ...headers].flat(),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.body.json()) as KubernetesObject & { message?: string };
    const warning = response.headers.warning;
    return {
      status: response.statusCode,
      message: response.statusCode < 400 ? '' : (answer.message ?? ''),
      warnings: warning === undefined ? [] : [warning].flat(),
      object: response.statusCode < 400 ? answer : undefined,
    };
  }
}

function collectionOf({ apiVersion = '', kind = '', metadata: { namespace } }: KubernetesObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${root}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${PLURALS[kind] ?? ''}`;
}

function pathOf(subject: KubernetesObject): string {
  // A Scale is a view of its set.
  const place = subject.kind === 'Scale' ? { ...subject, apiVersion: 'apps/v1', kind: 'StatefulSet' } : subject;
  return `${collectionOf(place)}/${subject.metadata.name}`;
}
