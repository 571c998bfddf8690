// What a request to the API server is sent with: headers and TLS material, as client-node's authenticators give them, kept for a few
// seconds so that not every request reads files or asks a plugin.

import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../ports/clock.ts';

export interface Credentials {
  /** What to send with now. @throws Error when a file or a plugin gives nothing. */
  current(): Promise<Credential>;
  /** It was refused: reads everything anew, now. Resolves with whether anything has changed. */
  refresh(refused: Credential): Promise<boolean>;
  /** It may be outdated: the next `current` reads everything anew. */
  forget(): void;
}

export interface Credential {
  headers: Record<string, string>;
  tls: { ca?: string; cert?: string; key?: string; rejectUnauthorized?: boolean; servername?: string };
  proxyUrl: string | undefined;
  /** Connections made with one of these serve requests with the same. */
  connectionKey: string;
}

/** Rotated certificates and tokens are noticed within this time (a token file within a minute: client-node keeps it for that long). */
const KEPT_MS = 10_000;

export function createCredentials({ load, initial, clock }: { load: () => KubeConfig; initial: KubeConfig; clock: Clock }): Credentials {
  let config: KubeConfig | undefined = initial;
  let kept: { until: number; credential: Promise<Credential> } | undefined;

  async function read(): Promise<Credential> {
    config ??= load();
    return readCredential(config);
  }

  function forget(): void {
    config = undefined; // And with it what the authenticators keep: a token file's content, a plugin's answer.
    kept = undefined;
  }

  function current(): Promise<Credential> {
    if (kept === undefined || clock.monotonic() >= kept.until) {
      const credential = read();
      const reading = { until: clock.monotonic() + KEPT_MS, credential };
      kept = reading;
      credential.catch(() => {
        if (kept === reading) kept = undefined; // The caller gets the error; the next one tries again.
      });
    }
    return kept.credential;
  }

  return {
    current,
    forget,
    async refresh(refused) {
      if (sameCredential(await current(), refused)) forget(); // Else another request has refreshed it meanwhile.
      return !sameCredential(await current(), refused);
    },
  };
}

async function readCredential(config: KubeConfig): Promise<Credential> {
  const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    throw new Error(`the credentials of user "${config.getCurrentUser()?.name}" cannot be had: ${(error as Error).message}`, { cause: error });
  }
  const headers = lowerCased(options.headers);
  if (typeof options.auth === 'string') headers.authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  const tls: Credential['tls'] = {};
  for (const part of ['ca', 'cert', 'key'] as const) {
    const material = options[part];
    if (material !== undefined) tls[part] = String(material);
  }
  if (options.rejectUnauthorized !== undefined) tls.rejectUnauthorized = options.rejectUnauthorized;
  if (options.servername !== undefined) tls.servername = options.servername;
  const proxyUrl = config.getCurrentCluster()?.proxyUrl;
  return { headers, tls, proxyUrl, connectionKey: JSON.stringify([tls, proxyUrl]) };
}

function lowerCased(headers: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries((headers ?? {}) as Record<string, unknown>).map(([name, value]) => [name.toLowerCase(), String(value).trim()]));
}

function sameCredential(a: Credential, b: Credential): boolean {
  return a.connectionKey === b.connectionKey && JSON.stringify(a.headers) === JSON.stringify(b.headers);
}
