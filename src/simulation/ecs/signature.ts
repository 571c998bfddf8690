// What the API checks about a request before it looks at the action: the version and an ACS3 signature by a known access key. The
// signature's value is not recomputed; its shape and what it claims to cover are.

import type { IncomingHttpHeaders } from 'node:http';
import { Refusal } from './refusals.ts';

export const API_VERSION = '2014-05-26';

const AUTHORIZATION = /^ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})$/;
const SIGNED_AT_LEAST = ['host', 'x-acs-action', 'x-acs-content-sha256', 'x-acs-date', 'x-acs-signature-nonce', 'x-acs-version'];

/** @throws Refusal as the gateway words it. */
export function checkSignature(headers: IncomingHttpHeaders, accessKeyId: string): void {
  const version = headers['x-acs-version'];
  if (version !== API_VERSION) throw new Refusal(400, 'InvalidVersion', `Specified parameter Version ${String(version)} is not valid: it is ${API_VERSION}.`);
  const [, credential, signed] = AUTHORIZATION.exec(headers.authorization ?? '') ?? [];
  if (credential === undefined || signed === undefined) {
    throw new Refusal(400, 'IncompleteSignature', 'The request signature does not conform to Alibaba Cloud standards: ACS3-HMAC-SHA256 is expected.');
  }
  const names = signed.split(';');
  const missing = SIGNED_AT_LEAST.find((name) => !names.includes(name) || headers[name] === undefined);
  if (missing !== undefined) throw new Refusal(400, 'IncompleteSignature', `The signature must cover the header ${missing}.`);
  if (credential !== accessKeyId) throw new Refusal(404, 'InvalidAccessKeyId.NotFound', `Specified access key ${credential} is not found.`);
}
