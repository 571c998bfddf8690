// Credentials of the default chain: environment, OIDC of the ServiceAccount (RRSA), profile, the machine's role.

import type CredentialsModule from '@alicloud/credentials';

type Credential = InstanceType<(typeof CredentialsModule)['default']>;

/** Nothing was sent, for there was nothing to sign it with. */
export class CredentialsUnavailable extends Error {
  readonly code = 'CredentialsUnavailable';

  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `no credentials for Alibaba Cloud: ${reason}. Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or give the ServiceAccount a RAM role (RRSA), or the machine one`,
      { cause },
    );
    this.name = 'CredentialsUnavailable';
  }
}

/** A chain that failed once fails for ever: after a failure the next call builds a new one. */
export function renewedCredential(create: () => Credential): Credential {
  let chain: Credential | undefined;
  const getCredential: Credential['getCredential'] = async () => {
    try {
      chain ??= create();
      return await chain.getCredential();
    } catch (error) {
      chain = undefined;
      throw new CredentialsUnavailable(error);
    }
  };
  // The SDK's core asks a credential for nothing else when it signs a call.
  return { getCredential } as Credential;
}
