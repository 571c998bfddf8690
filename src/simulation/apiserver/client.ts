// The requests of one user without the detour over text: for the controllers of the simulation.

import { pods, namespaces, type KubernetesObject, type Resource } from '../../kubernetes/objects.ts';
import { Refusal, type Client, type JsonPatchOperation, type UserInfo, type WriteOptions } from './contract.ts';
import type { Asked, Requests } from './requests.ts';

export function createClient(requests: Requests, user: UserInfo): Client {
  const asked = (resource: Resource, ref: { namespace?: string | undefined; name?: string | undefined }, options: WriteOptions = {}): Asked => ({
    user,
    resource,
    ...ref,
    dryRun: options.dryRun,
    fieldManager: options.fieldManager ?? binaryOf(user),
  });
  const of = ({ metadata: { namespace, name } }: KubernetesObject): { namespace: string | undefined; name: string } => ({ namespace, name });

  return {
    async get<T extends KubernetesObject>(resource: Resource<T>, ref: { namespace?: string; name: string }) {
      try {
        return (await requests.get(asked(resource, ref))).body as T;
      } catch (error) {
        if (error instanceof Refusal && error.code === 404) return undefined;
        throw error;
      }
    },

    async list<T extends KubernetesObject>(resource: Resource<T>, selection: { namespace?: string; labelSelector?: string; fieldSelector?: string } = {}) {
      return (await requests.list(asked(resource, { namespace: selection.namespace }), selection)).items as T[];
    },

    async create<T extends KubernetesObject>(resource: Resource<T>, object: T, options?: WriteOptions) {
      return (await requests.create(asked(resource, { namespace: object.metadata.namespace }, options), object)).body as T;
    },

    async update<T extends KubernetesObject>(resource: Resource<T>, object: T, options?: WriteOptions) {
      return (await requests.update(asked(resource, of(object), options), object)).body as T;
    },

    async updateStatus<T extends KubernetesObject>(resource: Resource<T>, object: T, options?: WriteOptions) {
      return (await requests.update({ ...asked(resource, of(object), options), subresource: 'status' }, object)).body as T;
    },

    async mergePatch<T extends KubernetesObject>(resource: Resource<T>, ref: { namespace?: string; name: string }, patch: object, options: WriteOptions & { subresource?: string } = {}) {
      return (await requests.patch({ ...asked(resource, ref, options), subresource: options.subresource }, { type: 'merge', patch })).body as T;
    },

    async jsonPatch<T extends KubernetesObject>(resource: Resource<T>, ref: { namespace?: string; name: string }, patch: JsonPatchOperation[], options: WriteOptions & { subresource?: string } = {}) {
      return (await requests.patch({ ...asked(resource, ref, options), subresource: options.subresource }, { type: 'json', patch })).body as T;
    },

    async delete(resource, ref, { dryRun, ...deletion } = {}) {
      try {
        const { gone } = await requests.delete(asked(resource, ref, dryRun === undefined ? {} : { dryRun }), deletion);
        return gone ? 'gone' : 'deleting';
      } catch (error) {
        if (error instanceof Refusal && error.code === 404) return 'gone';
        throw error;
      }
    },

    async evict(pod, { dryRun, ...deleteOptions } = {}) {
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { ...pod }, deleteOptions };
      await requests.create({ ...asked(pods, pod, dryRun === undefined ? {} : { dryRun }), subresource: 'eviction' }, body);
    },

    async bind({ namespace, name, uid }, nodeName) {
      const metadata = { namespace, name, ...(uid === undefined ? {} : { uid }) };
      await requests.create({ ...asked(pods, { namespace, name }), subresource: 'binding' }, { apiVersion: 'v1', kind: 'Binding', metadata, target: { kind: 'Node', name: nodeName } });
    },

    async finalizeNamespace(name) {
      await requests.update({ ...asked(namespaces, { name }), subresource: 'finalize' }, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: { finalizers: [] } });
    },
  };
}

const SIDECAR = /^system:serviceaccount:kube-system:alicloud-(csi-\w+)$/;
const CONTROLLER = /^system:serviceaccount:kube-system:/;

/** The program that somebody is: without a word of its own its writes are known by that. */
function binaryOf({ username }: UserInfo): string {
  const sidecar = SIDECAR.exec(username)?.[1];
  if (sidecar !== undefined) return sidecar;
  if (CONTROLLER.test(username)) return 'kube-controller-manager';
  if (username.startsWith('system:node:')) return 'kubelet';
  return username.replace(/^system:/, '');
}
