// The product as it runs in production: `zonespread controller` and `zonespread webhook`, each a process of its own. They run under the
// control plane's supervisor, which ends them when we end, however that is.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, giveBack } from '../../test/controlplane/ports.ts';
import { startProgram, type Program } from '../../test/controlplane/program.ts';
import { answers, awaitReadiness } from '../../test/controlplane/readiness.ts';
import type { Api } from '../kubernetes/api.ts';
import { mutatingWebhooks, validatingWebhooks } from '../kubernetes/objects.ts';
import type { ProductPart } from './installation.ts';

export interface ProductSite {
  /** Holds the logs, `controller.log` and `webhook.log`. */
  directory: string;
  /** The control plane's binary: it is the supervisor, too. */
  supervisor: string;
}

export interface ProductCommand {
  part: ProductPart;
  /** `{ sweep: '*' }`; `--http` is added. */
  flags: Readonly<Record<string, string>>;
  environment?: Readonly<Record<string, string>>;
}

const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
/** interface.md allows ten seconds; a cluster that is thrown away has less patience. */
export const STOP_GRACE_MS = 5_000;

/** Resolves when its /readyz says so. @throws Error with the end of its log when it ends instead. */
export async function startProduct({ directory, supervisor }: ProductSite, { part, flags, environment = {} }: ProductCommand): Promise<Program> {
  const [port = 0] = await freePorts(1);
  const all = Object.entries({ ...flags, http: `127.0.0.1:${port}` }).flatMap(([name, value]) => [`--${name}`, value]);
  const program = await startProgram({
    name: `zonespread ${part}`,
    command: [supervisor, 'supervise', process.execPath, MAIN, part, ...all],
    logFile: join(directory, `${part}.log`),
    environment,
  });
  try {
    await awaitReadiness({ what: `zonespread ${part} to be ready`, condition: () => answers({ url: `http://127.0.0.1:${port}/readyz` }), programs: [program] });
  } catch (cause) {
    await program.stop({ graceMs: STOP_GRACE_MS });
    throw cause;
  } finally {
    giveBack([port]);
  }
  return program;
}

export async function untilRegistered(api: Api, webhook: Program): Promise<void> {
  const name = 'zonespread';
  await awaitReadiness({
    what: 'the webhook to register itself',
    condition: async () => (await api.get(mutatingWebhooks, { name })) !== undefined && (await api.get(validatingWebhooks, { name })) !== undefined,
    programs: [webhook],
  });
}
