// The product's way of calling Kubernetes on top of a client of the simulated API server, for the agents that were written for a real one.

import { ApiError, type Api, type ObjectRef } from '../../kubernetes/api.ts';
import { apiVersionOf, type KubernetesObject, type Resource } from '../../kubernetes/objects.ts';
import { Refusal, type ApiServer, type Client } from '../apiserver/contract.ts';

export function agentApi(client: Client, server: ApiServer, username: string): Api {
  return {
    get: (resource, ref) => translated(`get ${resource.kind} ${ref.name}`, client.get(resource, ref)),
    list: (resource, options) => translated(`list ${resource.kind}`, client.list(resource, options)),
    create: (resource, object, options) => translated(`create ${resource.kind} ${object.metadata.name}`, client.create(resource, object, options)),
    mergePatch: <T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef, patch: object, options?: object) => translated(`patch ${resource.kind} ${ref.name}`, client.mergePatch(resource, ref, patch, options)),
    jsonPatch: (resource, ref, patch, options) => translated(`patch ${resource.kind} ${ref.name}`, client.jsonPatch(resource, ref, patch, options)),
    delete: (resource, ref, preconditions, options = {}) =>
      translated(
        `delete ${resource.kind} ${ref.name}`,
        client.delete(resource, ref, {
          ...(preconditions === undefined ? {} : { preconditions }),
          ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
          ...(options.propagationPolicy === undefined ? {} : { propagationPolicy: options.propagationPolicy as 'Orphan' | 'Background' | 'Foreground' }),
        }),
      ),
    evict: ({ namespace, name, uid }) => translated(`evict Pod ${namespace}/${name}`, client.evict({ namespace, name }, { preconditions: { uid } })),
    discover: (groupVersion) => {
      const served = server.resources().filter((resource) => apiVersionOf(resource) === groupVersion);
      return Promise.resolve(served.length === 0 ? undefined : served.map(({ plural }) => plural));
    },
    selfUser: () => Promise.resolve(username),
  };
}

async function translated<T>(what: string, request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code: status, reason, body } = error;
    throw new ApiError(`${what}: ${error.message} (${status} ${reason})`, { status, reason, body: { ...body } });
  }
}
