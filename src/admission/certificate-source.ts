// Where the served certificate is kept: a Secret that all replicas share, or a folder that somebody else fills. `read` is asked again and
// again; each answer is what is to be served once it is trusted (certificate-keeper.ts).

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Api } from '../kubernetes/api.ts';
import { secrets, type KubernetesObject } from '../kubernetes/objects.ts';
import { isAlreadyExists, isConflict } from '../kubernetes/refusals.ts';
import type { Clock } from '../ports/clock.ts';
import { assertPair, renewed, united, type Certificates, type Circumstances, type Lifetimes, type SelfMade } from './certificates.ts';
import { registeredBundles } from './trust.ts';

/** Of whoever asks. */
export type Known = Pick<Circumstances, 'served' | 'trusts'>;

export interface CertificateSource {
  /** `bundle` empty: whoever signed it is trusted already (system roots). @throws when it cannot be had; what was served before still holds. */
  read(known?: Known): Promise<Certificates>;
  /**
   * What is to stand in a webhook configuration that has `registered` now. Asked between reading and writing the configuration: what it
   * says is then no older than what it replaces. Without it, the bundle of what was read.
   */
  bundle?(registered: string): Promise<string>;
}

export const CERTIFICATES_SECRET = 'zonespread-webhook-certificates';

/** Of two replicas that write at once one wins, and the other reads; more rounds than this mean that something else is wrong. */
const ROUNDS = 5;

export interface SecretSourceOptions {
  api: Api;
  clock: Clock;
  namespace: string;
  /** What the API server calls us by. */
  names: readonly string[];
  lifetimes?: Lifetimes | undefined;
}

/** Makes what is missing, renews what ends. */
export function secretSource({ api, clock, namespace, names, lifetimes }: SecretSourceOptions): CertificateSource {
  const ref = { namespace, name: CERTIFICATES_SECRET };

  /** Undefined: another replica was faster. */
  async function attempt(known: Known): Promise<SelfMade | undefined> {
    const secret = await api.get(secrets, ref);
    const current = selfMadeIn(secret);
    // Another replica may still serve under a CA that only the configurations know.
    const registered = current === undefined ? await registeredBundles(api) : '';
    const wanted = await renewed(current, names, clock.now(), { ...known, registered, ...(lifetimes === undefined ? {} : { lifetimes }) });
    if (wanted === current) return wanted;
    try {
      if (secret === undefined) await api.create(secrets, newSecret(ref, wanted));
      else await api.mergePatch(secrets, ref, { metadata: { uid: secret.metadata.uid, resourceVersion: secret.metadata.resourceVersion }, data: dataOf(wanted) });
      return wanted;
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) return undefined;
      throw error;
    }
  }

  return {
    async read(known = {}) {
      for (let round = 0; round < ROUNDS; round++) {
        const agreed = await attempt(known);
        if (agreed !== undefined) return agreed;
      }
      throw new Error(`Secret ${namespace}/${CERTIFICATES_SECRET} changed under each of ${ROUNDS} attempts to write the webhook's certificate to it`);
    },
    async bundle() {
      const current = selfMadeIn(await api.get(secrets, ref));
      if (current === undefined) throw new Error(`Secret ${namespace}/${CERTIFICATES_SECRET} is gone or incomplete; it is made anew, and registered then`);
      return current.bundle;
    },
  };
}

/**
 * `tls.crt` and `tls.key`, and `ca.crt` where there is one, as cert-manager and Kubernetes' TLS Secrets lay them out. The folders of several
 * replicas change at different moments: a CA that another one has registered stays until it ends.
 */
export function folderSource(folder: string, clock: Clock): CertificateSource {
  return {
    async bundle(registered) {
      const own = await readOptional(join(folder, 'ca.crt'));
      return own === '' ? '' : united([own, registered], clock.now());
    },
    async read() {
      const certificate = await readFile(join(folder, 'tls.crt'), 'utf8');
      const key = await readFile(join(folder, 'tls.key'), 'utf8');
      const bundle = await readOptional(join(folder, 'ca.crt'));
      // In the middle of a change one file may be new and the other one old.
      assertPair({ certificate, key });
      return { certificate, key, bundle };
    },
  };
}

async function readOptional(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

type Secret = KubernetesObject & { data?: Record<string, string> };

const FILES = { bundle: 'ca.crt', authorityKey: 'ca.key', certificate: 'tls.crt', key: 'tls.key' } as const satisfies Record<keyof SelfMade, string>;

function newSecret(ref: { namespace: string; name: string }, content: SelfMade): Secret {
  return { metadata: { ...ref, labels: { 'app.kubernetes.io/part-of': 'zonespread' } }, type: 'Opaque', data: dataOf(content) };
}

function dataOf(content: SelfMade): Record<string, string> {
  return Object.fromEntries(Object.entries(FILES).map(([field, file]) => [file, Buffer.from(content[field as keyof SelfMade]).toString('base64')]));
}

/** Undefined when there is none, or a part is missing: it is made anew then. */
function selfMadeIn(secret: Secret | undefined): SelfMade | undefined {
  const text = (field: keyof SelfMade): string => Buffer.from(secret?.data?.[FILES[field]] ?? '', 'base64').toString();
  const found: SelfMade = { bundle: text('bundle'), authorityKey: text('authorityKey'), certificate: text('certificate'), key: text('key') };
  return Object.values(found).every((part) => part !== '') ? found : undefined;
}
