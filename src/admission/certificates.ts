// The certificate that the webhook serves with. By default a CA and a leaf of our own making, kept in a Secret so that all replicas serve
// the same; or somebody else's (cert-manager, a PKI) from a folder that is looked at again and again.
//
//   Secret absent → made (a race is won by one replica, the others read) → leaf near its end, or for another name → a new leaf
//   CA near its end → announced: a new CA in the bundle, and the old leaf is still served. The old CA's key is thrown away
//                   → trusted wherever it must be (trust.ts) → a leaf of the new CA
//                   → everything that the old CA ever signed has ended → the old CA leaves the bundle
//
// Clocks of replicas and API servers may differ by half a day from the right time: certificates begin a day before they are made, and an old
// CA stays two days longer than it must.

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
  X509Certificate as Issued,
  X509CertificateGenerator,
} from '@peculiar/x509';
// Reading is done by Node's own, hundreds of times as fast: it is done every few seconds, between reviews.
import { KeyObject, X509Certificate, createPrivateKey, webcrypto } from 'node:crypto';
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
export const AUTHORITY_LIFETIME_MS = 730 * DAY_MS;
export const LEAF_LIFETIME_MS = 90 * DAY_MS;
/** A third of the leaf's life is left when it is renewed: a month to notice that renewing fails. */
export const LEAF_MARGIN_MS = 30 * DAY_MS;
/** A leaf never outlives its CA, so the CA goes first. */
export const AUTHORITY_MARGIN_MS = LEAF_LIFETIME_MS + LEAF_MARGIN_MS;

/** How long what lives, in ms. */
export interface Lifetimes {
  authority: number;
  /** So much is left of a CA when there is a new one; more than a leaf lives. */
  authorityMargin: number;
  leaf: number;
  leafMargin: number;
  /** A certificate begins so long before it is made: clocks of API servers may be behind ours. */
  backdated: number;
  /** What all clocks together may be wrong by, when it is asked whether the last leaf of an old CA has ended. */
  skew: number;
}

export const LIFETIMES: Lifetimes = { authority: AUTHORITY_LIFETIME_MS, authorityMargin: AUTHORITY_MARGIN_MS, leaf: LEAF_LIFETIME_MS, leafMargin: LEAF_MARGIN_MS, backdated: DAY_MS, skew: 2 * DAY_MS };

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** What else decides about a renewal. */
export interface Circumstances {
  lifetimes?: Lifetimes;
  /** Whether every API server that asks us can know all CAs of the bundle by now. */
  trusts?: (bundle: string) => boolean;
  /** What this process serves at the moment: it goes on when the Secret is gone or spoilt, until a new CA is trusted. */
  served?: Certificates | undefined;
  /** What API servers trust already where nothing else is known: bundles in PEM. */
  registered?: string;
}

/** What there is if it will do at `now` (ms), else a copy in which what would not do is new. `names`: host names and IP addresses. */
export async function renewed(current: SelfMade | undefined, names: readonly string[], now: number, circumstances: Circumstances = {}): Promise<SelfMade> {
  const maker: Maker = { names, now, lifetimes: circumstances.lifetimes ?? LIFETIMES };
  const kept = current === undefined ? undefined : withoutRetired(current, maker);
  const authority = kept === undefined ? undefined : signingAuthority(kept, now);
  if (kept === undefined || authority === undefined) return startOver(kept, maker, circumstances);
  const signed = await withLeaf(kept, authority, maker, circumstances);
  return isNearEnd(authority, maker) && isLeafOf(signed, authority) ? announced(signed, maker) : signed;
}

/** When the certificate being served ends, ms since the epoch. */
export function expiryOf({ certificate }: Pick<Certificates, 'certificate'>): number {
  return endOf(new X509Certificate(certificate));
}

/** Names that the API server may call the webhook by. `service`: `name.namespace.svc`; `url`: its host. */
export function namesOf(target: { service: { name: string; namespace: string } } | { url: string }): string[] {
  if ('url' in target) return [new URL(target.url).hostname.replace(/^\[|\]$/g, '')];
  const name = `${target.service.name}.${target.service.namespace}.svc`;
  return [name, `${name}.cluster.local`];
}

/** `certificate` and `key` belong together and can be read. @throws Error that says what is wrong */
export function assertPair({ certificate, key }: Pick<Certificates, 'certificate' | 'key'>): void {
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) throw new Error('tls.key is not the key of the certificate in tls.crt');
}

interface Maker {
  names: readonly string[];
  now: number;
  lifetimes: Lifetimes;
}

/** A new CA because there is none that could sign. What is served and trusted goes on being so, where there is such a thing. */
async function startOver(old: SelfMade | undefined, maker: Maker, { served, registered = '' }: Circumstances): Promise<SelfMade> {
  const authority = await makeAuthority(maker);
  const trusted = alive([old?.bundle, served?.bundle, registered].flatMap((bundle) => readable(bundle ?? '')), maker.now);
  const bundle = pemOf(distinct([nativeOf(authority), ...trusted]));
  const leaf = [old, served].find((candidate) => candidate !== undefined && isServable(candidate, trusted, maker));
  const identity = leaf === undefined ? await makeLeaf(authority, maker) : { certificate: leaf.certificate, key: leaf.key };
  return { bundle, authorityKey: exportKey(authority.key), ...identity };
}

/** With a leaf that will do for a while; one of a CA that is only announced waits until it is trusted. */
async function withLeaf(current: SelfMade, authority: X509Certificate, maker: Maker, { trusts, served }: Circumstances): Promise<SelfMade> {
  const trusted = readable(current.bundle);
  const sign = async (): Promise<SelfMade> => ({ ...current, ...(await makeLeaf({ certificate: new Issued(authority.toString()), key: await importKey(current.authorityKey) }, maker)) });
  if (isServable(current, trusted, maker)) {
    const due = isLeafOf(current, authority) ? isDue(current, maker) : trusts?.(current.bundle) === true;
    return due ? sign() : current;
  }
  if (served === undefined || !isServable(served, trusted, maker)) return sign();
  return isLeafOf(served, authority) ? sign() : { ...current, certificate: served.certificate, key: served.key };
}

/** The old CA signs no more: its key is gone from here on, so the last of its leaves ends a leaf's life from now at the latest. */
async function announced(current: SelfMade, maker: Maker): Promise<SelfMade> {
  const authority = await makeAuthority(maker);
  return { ...current, bundle: pemOf([nativeOf(authority), ...readable(current.bundle)]), authorityKey: exportKey(authority.key) };
}

interface Authority {
  certificate: Issued;
  key: webcrypto.CryptoKey;
}

async function makeAuthority({ now, lifetimes }: Maker): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=zonespread webhook CA',
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity(now, lifetimes.authority, lifetimes),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, key: keys.privateKey };
}

async function makeLeaf(authority: Authority, { names, now, lifetimes }: Maker): Promise<{ certificate: string; key: string }> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create({
    subject: 'CN=zonespread webhook',
    issuer: authority.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: ALGORITHM,
    ...validity(now, lifetimes.leaf, lifetimes),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }))),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: exportKey(keys.privateKey) };
}

function validity(now: number, lifetimeMs: number, { backdated }: Lifetimes): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - backdated), notAfter: new Date(now + lifetimeMs) };
}

/** The newest CA, when it lives and its key is there. */
function signingAuthority(current: SelfMade, now: number): X509Certificate | undefined {
  const [newest] = readable(current.bundle);
  return newest !== undefined && endOf(newest) > now && isKeyOf(current.authorityKey, newest) ? newest : undefined;
}

function isNearEnd(authority: X509Certificate, { now, lifetimes }: Maker): boolean {
  return endOf(authority) <= now + lifetimes.authorityMargin;
}

/** The leaf lives, has its key, and was signed by one of these. */
function isServable(candidate: Pick<Certificates, 'certificate' | 'key'>, authorities: readonly X509Certificate[], { now }: Maker): boolean {
  const [leaf] = readable(candidate.certificate);
  return leaf !== undefined && endOf(leaf) > now && isKeyOf(candidate.key, leaf) && authorities.some((authority) => isLeafOf(candidate, authority));
}

function isLeafOf({ certificate }: Pick<Certificates, 'certificate'>, authority: X509Certificate): boolean {
  const [leaf] = readable(certificate);
  return leaf !== undefined && leaf.checkIssued(authority) && leaf.verify(authority.publicKey);
}

/** Near its end, or not for all names. */
function isDue({ certificate }: Pick<Certificates, 'certificate'>, { names, now, lifetimes }: Maker): boolean {
  const [leaf] = readable(certificate);
  return leaf === undefined || endOf(leaf) <= now + lifetimes.leafMargin || !names.every((name) => isFor(leaf, name));
}

function isFor(leaf: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? leaf.checkHost(name, { subject: 'never' }) : leaf.checkIP(name)) !== undefined;
}

/**
 * Without the CAs that have ended, and those all of whose leaves have: a CA signs until its successor is made, and one more leaf's life
 * later, clocks considered, nobody can serve what it signed. The newest stays first.
 */
function withoutRetired(current: SelfMade, { now, lifetimes }: Maker): SelfMade {
  const all = readable(current.bundle);
  const left = all.filter((authority, index) => {
    const successor = all[index - 1];
    if (endOf(authority) <= now) return false;
    if (successor === undefined || isLeafOf(current, authority)) return true;
    const madeAt = beginningOf(successor) + lifetimes.backdated;
    return now <= madeAt + lifetimes.leaf + lifetimes.skew;
  });
  return left.length === all.length ? current : { ...current, bundle: pemOf(left) };
}

function alive(certificates: readonly X509Certificate[], now: number): X509Certificate[] {
  return certificates.filter((certificate) => endOf(certificate) > now);
}

function distinct(certificates: readonly X509Certificate[]): X509Certificate[] {
  return [...new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate])).values()];
}

/** All of one bundle are in the other. */
export function isPartOf(bundle: string, other: string): boolean {
  const there = new Set(readable(other).map(({ fingerprint256 }) => fingerprint256));
  return readable(bundle).every(({ fingerprint256 }) => there.has(fingerprint256));
}

/** All that live, each once, in an order that does not depend on who says it: the same from every replica. */
export function united(bundles: readonly string[], now: number): string {
  const all = distinct(alive(bundles.flatMap(readable), now));
  return pemOf(all.toSorted((one, other) => beginningOf(other) - beginningOf(one) || (one.fingerprint256 < other.fingerprint256 ? -1 : 1)));
}

/** Whether the CA that signed what is served is in the bundle, as far as can be told. */
export function covers(bundle: string, served: Certificates): boolean {
  const signers = readable(served.bundle).filter((authority) => isLeafOf(served, authority));
  return signers.length === 0 || isPartOf(pemOf(signers), bundle);
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
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    // Nonsense is nobody's key.
    return false;
  }
}

function nativeOf({ certificate }: Authority): X509Certificate {
  return new X509Certificate(certificate.toString('pem'));
}

/** Milliseconds since the epoch. */
function endOf({ validToDate }: X509Certificate): number {
  return validToDate.getTime();
}

function beginningOf({ validFromDate }: X509Certificate): number {
  return validFromDate.getTime();
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']);
}

function exportKey(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('');
}
