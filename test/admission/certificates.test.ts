// Certificates of our own making, judged by openssl and by a TLS handshake, and where they are kept.

import 'reflect-metadata';
import { X509Certificate } from '@peculiar/x509';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CERTIFICATES_SECRET, folderSource, secretSource } from '../../src/admission/certificate-source.ts';
import { AUTHORITY_LIFETIME_MS, AUTHORITY_MARGIN_MS, expiryOf, LEAF_LIFETIME_MS, LEAF_MARGIN_MS, namesOf, renewed, type Certificates, type SelfMade } from '../../src/admission/certificates.ts';
import { ApiError } from '../../src/kubernetes/api.ts';
import { secrets } from '../../src/kubernetes/objects.ts';
import { FakeApi } from '../fakes/api.ts';
import { FakeClock } from '../fakes/clock.ts';

const NAMES = ['zonespread-webhook.zonespread-system.svc', 'zonespread-webhook.zonespread-system.svc.cluster.local'];
const DAY_MS = 86_400_000;
const NOW = Date.now();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'certificates-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

function verifyByOpenssl({ bundle, certificate }: Certificates, name: string[]): string {
  writeFileSync(join(folder, 'ca.crt'), bundle);
  writeFileSync(join(folder, 'tls.crt'), certificate);
  const result = spawnSync('openssl', ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', join(folder, 'ca.crt'), ...name, join(folder, 'tls.crt')], { encoding: 'utf8' });
  return `${result.stdout}${result.stderr}`;
}

/** The name that the server proved, by a real handshake that trusts nothing but the bundle. */
async function handshake({ bundle, certificate, key }: Certificates, servername: string): Promise<string> {
  const server = createServer({ cert: certificate, key }, (socket) => socket.end());
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  try {
    return await new Promise<string>((resolve, reject) => {
      const host = /^[\d.]+$/.test(servername) ? { host: servername } : { host: '127.0.0.1', servername };
      const socket = connect({ ...host, port: (server.address() as AddressInfo).port, ca: bundle }, () => {
        resolve(socket.getPeerCertificate().subjectaltname ?? '');
        socket.end();
      });
      socket.once('error', reject);
    });
  } finally {
    server.close();
  }
}

describe('a certificate of our own making', () => {
  test.skipIf(!hasOpenssl)('satisfies openssl at its strictest, for a Service and for an address', async () => {
    expect(verifyByOpenssl(await renewed(undefined, NAMES, NOW), ['-verify_hostname', NAMES[0]!])).toMatch(/: OK\n$/);
    expect(verifyByOpenssl(await renewed(undefined, ['127.0.0.1'], NOW), ['-verify_ip', '127.0.0.1'])).toMatch(/: OK\n$/);
    expect(verifyByOpenssl(await renewed(undefined, NAMES, NOW), ['-verify_hostname', 'other.svc'])).toContain('hostname mismatch');
  });

  test('is proved in a handshake under each of its names', async () => {
    const made = await renewed(undefined, [...NAMES, '127.0.0.1'], NOW);
    for (const name of [...NAMES, '127.0.0.1']) await expect(handshake(made, name)).resolves.toContain('zonespread-webhook');
    await expect(handshake(made, 'kubernetes.default.svc')).rejects.toThrow('does not match');
  });

  test('is not trusted by way of another CA', async () => {
    const [made, other] = [await renewed(undefined, NAMES, NOW), await renewed(undefined, NAMES, NOW)];
    await expect(handshake({ ...made, bundle: other.bundle }, NAMES[0]!)).rejects.toThrow(/unable to verify|signature failure|issuer/);
  });

  test('is valid a day back, for clocks that are behind, and never outlives its CA', async () => {
    const made = await renewed(undefined, NAMES, NOW);
    const [authority, leaf] = [new X509Certificate(made.bundle), new X509Certificate(made.certificate)];
    expect(NOW - leaf.notBefore.getTime()).toBeGreaterThanOrEqual(DAY_MS - 1_000);
    expect(leaf.notAfter.getTime()).toBeLessThan(authority.notAfter.getTime());
    expect(expiryOf(made)).toBe(leaf.notAfter.getTime());
    expect(leaf.serialNumber).not.toBe(authority.serialNumber);
  });
});

describe('renewal', () => {
  let made: SelfMade;
  beforeEach(async () => {
    made = await renewed(undefined, NAMES, NOW);
  });

  test('leaves alone what is good for a while', async () => {
    expect(await renewed(made, NAMES, NOW + LEAF_LIFETIME_MS - LEAF_MARGIN_MS - DAY_MS)).toBe(made);
  });

  test('makes a new leaf of the same CA when a third of its life is left', async () => {
    const old = await renewed(undefined, NAMES, NOW - (LEAF_LIFETIME_MS - LEAF_MARGIN_MS) - 1_000);
    const later = await renewed(old, NAMES, NOW);
    expect(later.bundle).toBe(old.bundle);
    expect(later.certificate).not.toBe(old.certificate);
    await expect(handshake(later, NAMES[0]!)).resolves.toContain('zonespread-webhook');
  });

  test('makes a new leaf for another name', async () => {
    const moved = await renewed(made, ['127.0.0.1'], NOW);
    expect(moved.bundle).toBe(made.bundle);
    await expect(handshake(moved, '127.0.0.1')).resolves.toContain('127.0.0.1');
  });

  describe('of the CA', () => {
    const late = NOW + AUTHORITY_LIFETIME_MS - AUTHORITY_MARGIN_MS + 1_000;
    /** A CA of then, with a leaf of now. */
    const aged = async (): Promise<SelfMade> => renewed(await renewed(undefined, NAMES, 2 * NOW - late), NAMES, NOW - DAY_MS);
    const countOf = ({ bundle }: Certificates): number => bundle.match(/BEGIN CERTIFICATE/g)?.length ?? 0;

    test('announces the new one in time, and goes on serving what the old one signed', async () => {
      const old = await aged();
      const next = await renewed(old, NAMES, NOW);
      expect(countOf(next)).toBe(2);
      expect(next.bundle).toContain(old.bundle.trim());
      expect([next.certificate, next.key]).toEqual([old.certificate, old.key]);
      expect(next.authorityKey).not.toBe(old.authorityKey);
      await expect(handshake(next, NAMES[0]!)).resolves.toContain('zonespread-webhook');
      await expect(handshake({ ...next, bundle: old.bundle }, NAMES[0]!)).resolves.toContain('zonespread-webhook');
      expect(await renewed(next, NAMES, NOW, { trusts: () => false })).toBe(next);
    });

    test('serves a leaf of the new one as soon as that is trusted, and drops the old one when its last leaf has ended', async () => {
      const announced = await renewed(await aged(), NAMES, NOW);
      const switched = await renewed(announced, NAMES, NOW, { trusts: (bundle) => bundle === announced.bundle });
      expect(switched.bundle).toBe(announced.bundle);
      await expect(handshake({ ...switched, bundle: announced.bundle.slice(0, announced.bundle.indexOf('-----BEGIN', 1)) }, NAMES[0]!)).resolves.toContain('zonespread-webhook');
      const ends = NOW + LEAF_LIFETIME_MS;
      expect(countOf(await renewed(switched, NAMES, ends + DAY_MS))).toBe(2);
      expect(countOf(await renewed(switched, NAMES, ends + 2 * DAY_MS + 1_000))).toBe(1);
    });

    test('that has ended makes both anew', async () => {
      const healed = await renewed(await renewed(undefined, NAMES, NOW - AUTHORITY_LIFETIME_MS - DAY_MS), NAMES, NOW);
      expect(countOf(healed)).toBe(1);
      await expect(handshake(healed, NAMES[0]!)).resolves.toContain('zonespread-webhook');
    });

    test('starts over, when all is lost but what is served and registered, without a break', async () => {
      const over = await renewed(undefined, NAMES, NOW, { served: made, registered: made.bundle });
      expect(countOf(over)).toBe(2);
      expect(over.certificate).toBe(made.certificate);
      const elsewhere = await renewed(undefined, NAMES, NOW, { registered: made.bundle });
      expect(countOf(elsewhere)).toBe(2);
      await expect(handshake({ ...made, bundle: elsewhere.bundle }, NAMES[0]!)).resolves.toContain('zonespread-webhook');
    });

    test('puts back what is served when somebody has spoilt the leaf that is stored', async () => {
      const announced = await renewed(await aged(), NAMES, NOW);
      const healed = await renewed({ ...announced, certificate: 'nonsense' }, NAMES, NOW, { served: announced });
      expect(healed.certificate).toBe(announced.certificate);
    });
  });

  test.each(['bundle', 'authorityKey', 'certificate', 'key'] as const)('makes anew what depends on a broken %s', async (part) => {
    const healed = await renewed({ ...made, [part]: 'nonsense' }, NAMES, NOW);
    await expect(handshake(healed, NAMES[0]!)).resolves.toContain('zonespread-webhook');
  });

  test('does not mix a CA and a leaf that are not related', async () => {
    const other = await renewed(undefined, NAMES, NOW);
    const healed = await renewed({ ...made, certificate: other.certificate, key: other.key }, NAMES, NOW);
    expect(healed.certificate).not.toBe(other.certificate);
    await expect(handshake(healed, NAMES[0]!)).resolves.toContain('zonespread-webhook');
  });
});

describe('the names', () => {
  test('of a Service are those that the API server calls it by', () => {
    expect(namesOf({ service: { name: 'zonespread-webhook', namespace: 'zonespread-system' } })).toEqual(NAMES);
  });

  test.each([
    ['https://127.0.0.1:9443', '127.0.0.1'],
    ['https://hook.example.com/base', 'hook.example.com'],
    ['https://[::1]:9443', '::1'],
  ])('of %s is its host', (url, name) => {
    expect(namesOf({ url })).toEqual([name]);
  });

  test('may be an IPv6 address', async () => {
    const made = await renewed(undefined, ['::1'], NOW);
    expect(await renewed(made, ['::1'], NOW)).toBe(made);
  });
});

const clock = new FakeClock(new Date(NOW).toISOString());

describe('the Secret', () => {
  const ref = { namespace: 'zonespread-system', name: CERTIFICATES_SECRET };
  const sourceOn = (api: FakeApi, at = clock): ReturnType<typeof secretSource> => secretSource({ api, clock: at, namespace: ref.namespace, names: NAMES });
  const stored = (api: FakeApi): string => Buffer.from(api.read(secrets, ref)!.data!['tls.crt']!, 'base64').toString();

  test('is made once, and read by every replica after that', async () => {
    const api = new FakeApi({ clock });
    const first = await sourceOn(api).read();
    const second = await sourceOn(api).read();
    expect(second).toEqual(first);
    expect(stored(api)).toBe(first.certificate);
    expect(api.calls.filter(({ verb }) => verb !== 'get')).toHaveLength(1);
  });

  test('is the same for replicas that start at once', async () => {
    const api = new FakeApi({ clock });
    const answers = await Promise.all([sourceOn(api).read(), sourceOn(api).read(), sourceOn(api).read()]);
    expect(new Set(answers.map(({ certificate }) => certificate))).toEqual(new Set([stored(api)]));
  });

  test('is renewed in place, once, by whoever sees it first', async () => {
    const api = new FakeApi({ clock });
    const first = await sourceOn(api).read();
    const later = new FakeClock(new Date(NOW + LEAF_LIFETIME_MS - LEAF_MARGIN_MS + 1_000).toISOString());
    const [one, two] = await Promise.all([sourceOn(api, later).read(), sourceOn(api, later).read()]);
    expect(one.certificate).not.toBe(first.certificate);
    expect(two).toEqual(one);
  });

  test('that cannot be read is an error, and nothing is made', async () => {
    const api = new FakeApi({ clock });
    api.once('get', secrets, () => Promise.reject(new ApiError('forbidden', { status: 403, reason: 'Forbidden' })));
    await expect(sourceOn(api).read()).rejects.toThrow('forbidden');
    expect(api.read(secrets, ref)).toBeUndefined();
  });
});

describe('a folder', () => {
  const write = (files: Record<string, string>): void => {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  };

  test('is served as it is, with the CA where there is one', async () => {
    const made = await renewed(undefined, NAMES, NOW);
    write({ 'tls.crt': made.certificate, 'tls.key': made.key });
    expect(await folderSource(folder, clock).read()).toEqual({ certificate: made.certificate, key: made.key, bundle: '' });
    write({ 'ca.crt': made.bundle });
    expect((await folderSource(folder, clock).read()).bundle).toBe(made.bundle);
  });

  test.skipIf(!hasOpenssl)('with RSA keys of another maker will do', async () => {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'tls.key'), '-out', join(folder, 'tls.crt'), '-days', '1', '-subj', '/CN=hook'], { stdio: 'ignore' });
    await expect(folderSource(folder, clock).read()).resolves.toMatchObject({ bundle: '' });
  });

  test('in the middle of a change is an error, not a broken listener', async () => {
    const [made, next] = [await renewed(undefined, NAMES, NOW), await renewed(undefined, NAMES, NOW)];
    write({ 'tls.crt': next.certificate, 'tls.key': made.key });
    await expect(folderSource(folder, clock).read()).rejects.toThrow('tls.key is not the key of the certificate in tls.crt');
  });

  test('without a certificate is an error that names the file', async () => {
    await expect(folderSource(folder, clock).read()).rejects.toThrow('tls.crt');
  });
});

test.skipIf(!hasOpenssl)('the commands of webhook-certs/README.md make a folder that is served and trusted', async () => {
  const readme = readFileSync(new URL('../../webhook-certs/README.md', import.meta.url), 'utf8');
  const commands = /```sh\n(openssl[\s\S]*?)```/.exec(readme)?.[1] ?? '';
  execFileSync('sh', ['-ec', commands], { cwd: folder, stdio: 'ignore' });
  const served = await folderSource(folder, clock).read();
  expect(verifyByOpenssl(served, ['-verify_hostname', NAMES[0]!])).toMatch(/: OK\n$/);
  await expect(handshake(served, NAMES[0]!)).resolves.toContain('zonespread-webhook');
});
