// A `zonespread` for the PATH of a shell that the test itself answers: the product's own program, on the API server in memory, without the
// start of a process for each TAB. kubectl finds it as its plugin, too (test/cli/kubectl-plugin.e2e.test.ts has the process behind kubectl).

import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { COMPLETE } from '../../../src/cli/completion/candidates.ts';
import { createProgram, runProgram } from '../../../src/cli/program.ts';
import type { Desk } from '../command-line-of.ts';

export interface Door {
  /** That the programs are in. */
  folder: string;
  close(): Promise<void>;
}

/** @param folder is made */
export async function openDoor(desk: Desk, folder: string): Promise<Door> {
  const server = createServer((socket) => {
    answer(desk, socket).catch((error: unknown) => socket.end(`the door failed: ${String(error)}\n`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  mkdirSync(folder, { recursive: true });
  for (const name of ['zonespread', 'kubectl-zonespread', 'kubectl_complete-zonespread']) {
    writeFileSync(join(folder, name), knocker(port, name.startsWith('kubectl_complete-') ? COMPLETE : ''));
    chmodSync(join(folder, name), 0o755);
  }
  return {
    folder,
    async close() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Sends how many words there are, and the words, each with a NUL behind it. @param verb before what it is called with */
function knocker(port: number, verb: string): string {
  return `#!/usr/bin/env bash
set -- ${verb} "$@"
exec 3<>/dev/tcp/127.0.0.1/${port}
printf '%s\\0' "$#" "$@" >&3
cat <&3
`;
}

async function answer(desk: Desk, socket: Socket): Promise<void> {
  let received = '';
  for await (const piece of socket.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    received += String(piece);
    const [count = '', ...words] = received.split('\0');
    if (words.length <= Number(count)) continue;
    await run(desk, words.slice(0, -1), socket);
    return;
  }
}

async function run(desk: Desk, words: string[], socket: Socket): Promise<void> {
  const around = { ...desk.surroundings(), out: { write: (text: string) => void socket.write(text) } };
  await runProgram(createProgram(around), words, around);
  socket.end();
}
