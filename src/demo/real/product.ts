// The product as it runs in production: `zonespread controller` and `zonespread webhook`, each a process of its own, which ends when we
// end, however that is. Signals meant for us (Ctrl-C, `timeout`) do not reach them: each is in a process group of its own, and whoever
// started it ends it in its turn. The demo and the end-to-end tests start it the same way.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, giveBack } from '../../../test/controlplane/ports.ts';
import { startProgram, type Program } from '../../../test/controlplane/program.ts';
import { answers, awaitReadiness } from '../../../test/controlplane/readiness.ts';
import type { Api } from '../../kubernetes/api.ts';
import { mutatingWebhooks, validatingWebhooks } from '../../kubernetes/objects.ts';
import type { ProductPart } from './installation.ts';

export interface ProductCommand {
  part: ProductPart;
  /** `{ sweep: '*' }`; `--http` is added. */
  flags: Readonly<Record<string, string>>;
  environment?: Readonly<Record<string, string>>;
  /** The program's file; the sources' unless told. */
  main?: string | undefined;
  /** The folder for its log. */
  directory: string;
  /** Its log's name in there without `.log`; the part unless there are several of them. */
  logName?: string;
}

export interface Product extends Program {
  /** `http://127.0.0.1:20123`: metrics and probes. */
  readonly http: string;
}

/** The program's, from source. */
export const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const END_WITH_US = new URL('end-with-us.ts', import.meta.url).href;

/** Resolves when its /readyz says so. @throws Error with the end of its log when it ends instead. */
export async function startProduct({ part, flags, environment = {}, main = MAIN, directory, logName = part }: ProductCommand): Promise<Product> {
  const [port = 0] = await freePorts(1);
  const http = `http://127.0.0.1:${port}`;
  const all = Object.entries({ ...flags, http: `127.0.0.1:${port}` }).flatMap(([name, value]) => [`--${name}`, value]);
  try {
    const program = await startProgram({
      name: `zonespread ${part}`,
      command: [process.execPath, '--import', END_WITH_US, main, part, ...all],
      logFile: join(directory, `${logName}.log`),
      environment,
    });
    await untilReady(program, http);
    return Object.assign(program, { http });
  } finally {
    giveBack([port]);
  }
}

async function untilReady(program: Program, http: string): Promise<void> {
  try {
    await awaitReadiness({ what: `${program.name} to be ready`, condition: () => answers({ url: `${http}/readyz` }), programs: [program] });
  } catch (cause) {
    await program.stop({ signal: 'SIGKILL' });
    throw cause;
  }
}

export async function untilRegistered(api: Api, webhook: Program): Promise<void> {
  const name = 'zonespread';
  await awaitReadiness({
    what: 'the webhook to register itself',
    condition: async () => (await api.get(mutatingWebhooks, { name })) !== undefined && (await api.get(validatingWebhooks, { name })) !== undefined,
    programs: [webhook],
  });
}
