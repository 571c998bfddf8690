// The certificate that the webhook serves with. By default a CA and a leaf of our own making, kept in a Secret so that all replicas serve
// the same; or somebody else's (cert-manager, a PKI) from a folder that is looked at again and again.
//
//   Secret absent → made (a race is won by one replica, the others read) → leaf near its end, or for another name → a new leaf
//   CA near its end → a new CA and leaf; the old CA stays in the bundle while what it signed may still be served

import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { KeyObject, createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';

export interface Certificates {
  /** One or more PEM certificates, newest first: what a client is to trust. */
  bundle: string;
  /** PEM. */
  certificate: string;
  key: string;
}

/** With the key of the first CA of the bundle. */
export interface SelfMade extends Certificates {
  authorityKey: string;
}

const DAY_MS = 86_400_000;
/** Clocks of API servers may be behind ours. */
const BACKDATED_MS = 3_600_000;
export const AUTHORITY_LIFETIME_MS = 730 * DAY_MS;
export const LEAF_LIFETIME_MS = 90 * DAY_MS;
/** A third of the leaf's life is left when it is renewed: a month to notice that renewing fails. */
export const LEAF_MARGIN_MS = 30 * DAY_MS;
/** A leaf never outlives its CA, so the CA goes first. */
export const AUTHORITY_MARGIN_MS = LEAF_LIFETIME_MS + LEAF_MARGIN_MS;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** What there is if it will do at `now` (ms), else a copy in which what would not do is new. `names`: host names and IP addresses. */
export async function renewed(current: SelfMade | undefined, names: readonly string[], now: number): Promise<SelfMade> {
  const authority = current === undefined ? undefined : usableAuthority(current, now);
  if (current === undefined || authority === undefined) return madeFromNothing(current, names, now);
  if (servesUntil(current, authority, names) > now + LEAF_MARGIN_MS) return withoutEnded(current, now);
  return { ...withoutEnded(current, now), ...(await makeLeaf({ certificate: authority, key: await importKey(current.authorityKey) }, names, now)) };
}

/** When the certificate being served ends, ms since the epoch. */
export function expiryOf({ certificate }: Pick<Certificates, 'certificate'>): number {
  return new X509Certificate(certificate).notAfter.getTime();
}

/** Names that the API server may call the webhook by. `service`: `name.namespace.svc`; `url`: its host. */
export function namesOf(target: { service: { name: string; namespace: string } } | { url: string }): string[] {
  if ('url' in target) return [new URL(target.url).hostname.replace(/^\[|\]$/g, '')];
  const name = `${target.service.name}.${target.service.namespace}.svc`;
  return [name, `${name}.cluster.local`];
}

/** `certificate` and `key` belong together and can be read. @throws Error that says what is wrong */
export function assertPair({ certificate, key }: Pick<Certificates, 'certificate' | 'key'>): void {
  const ofKey = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' });
  if (!ofKey.equals(Buffer.from(new X509Certificate(certificate).publicKey.rawData))) throw new Error('tls.key is not the key of the certificate in tls.crt');
}

async function madeFromNothing(old: SelfMade | undefined, names: readonly string[], now: number): Promise<SelfMade> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=zonespread webhook CA',
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity(now, AUTHORITY_LIFETIME_MS),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const trusted = [certificate, ...(old === undefined ? [] : readable(old.bundle))].filter(({ notAfter }) => notAfter.getTime() > now);
  return {
    bundle: pemOf(trusted),
    authorityKey: exportKey(keys.privateKey),
    ...(await makeLeaf({ certificate, key: keys.privateKey }, names, now)),
  };
}

async function makeLeaf(authority: { certificate: X509Certificate; key: webcrypto.CryptoKey }, names: readonly string[], now: number): Promise<{ certificate: string; key: string }> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create({
    subject: 'CN=zonespread webhook',
    issuer: authority.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: ALGORITHM,
    ...validity(now, LEAF_LIFETIME_MS),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }))),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    ],
  });
  return { certificate: pemOf([certificate]), key: exportKey(keys.privateKey) };
}

function validity(now: number, lifetimeMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + lifetimeMs) };
}

/** The newest CA, when its key is there and it has long enough to live. */
function usableAuthority(current: SelfMade, now: number): X509Certificate | undefined {
  const [newest] = readable(current.bundle);
  const lasts = newest !== undefined && newest.notAfter.getTime() > now + AUTHORITY_MARGIN_MS;
  return lasts && isKeyOf(current.authorityKey, newest) ? newest : undefined;
}

/** When the leaf ends; 0 when it is not of this CA, not for these names, or cannot be read. */
function servesUntil(current: SelfMade, authority: X509Certificate, names: readonly string[]): number {
  const [leaf] = readable(current.certificate);
  if (leaf === undefined || leaf.issuer !== authority.subject || !isKeyOf(current.key, leaf)) return 0;
  const signedBy = leaf.getExtension(AuthorityKeyIdentifierExtension)?.keyId;
  if (signedBy !== authority.getExtension(SubjectKeyIdentifierExtension)?.keyId) return 0;
  const served = new Set(leaf.getExtension(SubjectAlternativeNameExtension)?.names.items.map(({ value }) => value));
  return names.every((name) => served.has(name)) ? leaf.notAfter.getTime() : 0;
}

/** Without the CAs that have ended; the newest stays first. */
function withoutEnded(current: SelfMade, now: number): SelfMade {
  const all = readable(current.bundle);
  const left = all.filter(({ notAfter }) => notAfter.getTime() > now);
  return left.length === all.length ? current : { ...current, bundle: pemOf(left) };
}

/** Certificates of a PEM text; none when somebody wrote nonsense into the Secret. */
function readable(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return [];
  }
}

function isKeyOf(key: string, certificate: X509Certificate): boolean {
  try {
    assertPair({ certificate: certificate.toString('pem'), key });
    return true;
  } catch {
    return false;
  }
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']);
}

function exportKey(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => `${certificate.toString('pem')}\n`).join('');
}
