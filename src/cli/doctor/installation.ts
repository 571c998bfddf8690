// zonespread in the cluster: its custom resources, a controller that leads, a webhook that answers.

import { X509Certificate } from 'node:crypto';
import { ApiError } from '../../kubernetes/api.ts';
import { CONTROLLER_USER_ANNOTATION } from '../../kubernetes/names.ts';
import { leases, mutatingWebhooks, statefulSets, validatingWebhooks, type KubernetesObject, type StatefulSet } from '../../kubernetes/objects.ts';
import { requireCustomResources } from '../../controller/custom-resources.ts';
import { policiesThere, WEBHOOK_NAME } from '../../controller/decision.ts';
import { keyOf } from '../../policy/annotations.ts';
import { span } from '../../standing/amounts.ts';
import { ok, problem, unknown, warning, type Check, type Finding, type Patient } from './finding.ts';

const LEASE_NAME = 'zonespread';
const EXPIRES_SOON_MS = 30 * 86_400_000;

export const installation: Check = {
  area: 'Installation',
  looks: [async (patient) => [await customResources(patient)], async (patient) => [await controller(patient)], webhook],
};

async function customResources({ api }: Patient): Promise<Finding> {
  try {
    await requireCustomResources(api);
    return ok('the custom resources are installed');
  } catch (error) {
    // What the server refused to tell is another matter.
    if (!(error instanceof Error) || error instanceof ApiError) throw error;
    const [message = '', fix = ''] = error.message.split('; install the custom resources first: ');
    return problem(message, fix);
  }
}

/** Leads: its lease is renewed. */
async function controller({ api, clock, skewMs = 0, leaseNamespace }: Patient): Promise<Finding> {
  const lease = await api.get(leases, { namespace: leaseNamespace, name: LEASE_NAME });
  const fix = `see its pods and their logs: kubectl get pods -n ${leaseNamespace}; kubectl logs -n ${leaseNamespace} deploy/zonespread-controller. If it runs elsewhere, name its namespace: --lease-namespace`;
  if (lease === undefined) return problem(`no controller has ever led: there is no Lease ${leaseNamespace}/${LEASE_NAME}`, fix);
  const { holderIdentity = '', renewTime, leaseDurationSeconds = 15 } = lease.spec;
  const silentMs = clock.now() - skewMs - Date.parse(renewTime ?? '');
  if (holderIdentity === '' || Number.isNaN(silentMs)) return problem('no controller leads: nobody holds the lease', fix);
  if (silentMs > leaseDurationSeconds * 1000) return problem(`no controller leads: ${holderIdentity} has not renewed the lease for ${span(silentMs)}`, fix);
  if (silentMs < -leaseDurationSeconds * 1000) return warning(`the controller's clock is ${span(-silentMs)} ahead of the API server's`, 'set the clocks of all nodes by NTP');
  return ok(`a controller leads: ${holderIdentity}`);
}

/** Whose name the daemon has written on its lease. */
export async function controllerUser({ api, leaseNamespace }: Patient): Promise<string | undefined> {
  return (await api.get(leases, { namespace: leaseNamespace, name: LEASE_NAME }))?.metadata.annotations?.[CONTROLLER_USER_ANNOTATION];
}

interface Registered extends KubernetesObject {
  webhooks?: { name: string; clientConfig: { url?: string; service?: { namespace: string; name: string }; caBundle?: string } }[];
}

async function webhook(patient: Patient): Promise<Finding[]> {
  const { api } = patient;
  const found = await Promise.all([api.get(mutatingWebhooks, { name: WEBHOOK_NAME }), api.get(validatingWebhooks, { name: WEBHOOK_NAME })]);
  const missing = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'].filter((_, at) => found[at] === undefined);
  // admission.mode: policies. Only 1.36 and later know the kind.
  if (missing.length === found.length && (await policiesThere(api))) return [ok('policies inside the API server gate pods and steer claims; there is no webhook')];
  if (missing.length > 0) return [problem(`the webhook is not registered: there is no ${missing.join(' and no ')} ${WEBHOOK_NAME}`, 'start it: it registers itself (zonespread webhook); without it nothing moves')];
  return [certificate(found[1] as Registered, patient.clock.now()), await answer(patient, found[1] as Registered)];
}

/** Of the authority that the API server trusts. */
function certificate({ webhooks = [] }: Registered, nowMs: number): Finding {
  const bundle = webhooks.map(({ clientConfig }) => clientConfig.caBundle ?? '').find((text) => text !== '');
  if (bundle === undefined) return ok("the webhook's certificate is signed by an authority that the API server trusts anyway");
  const expires = expiryOf(bundle);
  if (expires === undefined) return problem("the webhook's caBundle is no certificate: the API server cannot reach it", 'restart the webhook: it writes its configurations anew');
  const leftMs = expires - nowMs;
  if (leftMs <= 0) return problem(`the webhook's certificate authority has expired ${span(-leftMs)} ago`, 'restart the webhook: it makes a new one; with certificates of your own, renew them');
  if (leftMs < EXPIRES_SOON_MS) return warning(`the webhook's certificate authority expires in ${span(leftMs)}`, 'the webhook renews its own in time; look at its log if this does not change within a day. With certificates of your own, renew them');
  return ok(`the webhook's certificate authority is valid for ${span(leftMs)}`);
}

/** Epoch, ms; of several the one that lasts longest. Undefined when there is none that can be read. */
function expiryOf(caBundle: string): number | undefined {
  const pems = Buffer.from(caBundle, 'base64').toString('utf8').match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  const expiries = pems.flatMap((pem) => {
    try {
      return [Date.parse(new X509Certificate(pem).validTo)];
    } catch {
      return []; // Said as a problem when none is left.
    }
  });
  return expiries.length === 0 ? undefined : Math.max(...expiries);
}

const PROBE_KEY = keyOf('max-skew');

/** Tried as a person would: an annotation that the webhook refuses, on a set that is never stored. */
async function answer({ api, namespace }: Patient, registered: Registered): Promise<Finding> {
  try {
    await api.create(statefulSets, probe(namespace), { dryRun: true });
  } catch (error) {
    if (error instanceof ApiError && error.message.includes(PROBE_KEY)) return ok('the webhook answers the API server');
    if (!(error instanceof ApiError)) throw error;
    return unknown(`whether the webhook answers could not be tried: ${error.message}`, 'name a namespace in which you may create StatefulSets: -n <namespace>');
  }
  return problem('the API server gets no answer from the webhook: a policy that is wrong was let through', `see that its pods run, and that the API server reaches ${targetOf(registered)} (network policies, security groups). Where the webhook looks after some namespaces only, try one of them: -n <namespace>`);
}

function targetOf({ webhooks = [] }: Registered): string {
  const { url, service } = webhooks[0]?.clientConfig ?? {};
  return url ?? (service === undefined ? 'it' : `Service ${service.namespace}/${service.name}`);
}

function probe(namespace: string): StatefulSet {
  const labels = { app: 'zonespread-doctor' };
  return {
    metadata: { namespace, name: 'zonespread-doctor', annotations: { [PROBE_KEY]: 'probe' } },
    spec: { replicas: 0, serviceName: 'zonespread-doctor', selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'none', image: 'none' }] } } },
  };
}
