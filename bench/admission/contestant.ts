// One contestant of the admission bench, as a process of its own: `node bench/admission/contestant.ts <kind> <folder>`. It serves under the
// certificate in the folder, says its port on standard output, and ends with its standard input.

import express from 'express';
import { readFileSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { MUTATING, VALIDATING } from '../../src/admission/judge.ts';
import type { Rule } from '../../src/admission/rules/rule.ts';
import { startReviewServer } from '../../src/admission/server.ts';
import { createLog } from '../../src/observability/log.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { migration, world } from '../../test/admission/builders.ts';

/** `ours` takes the number of migrations in flight after a colon; `whole` is ours without its shortcut. */
const [kind = '', folder = ''] = process.argv.slice(2);
const identity = { cert: readFileSync(join(folder, 'tls.crt')), key: readFileSync(join(folder, 'tls.key')), minVersion: 'TLSv1.2' } satisfies ServerOptions;

/** The shortcut does not know it: every review is read whole then. */
const UNKNOWN_RULE: Rule = { name: 'other', onError: 'allow', applies: () => false, judge: () => undefined };

const port = await start(kind);
process.stdout.write(`${port}\n`);
process.stdin.resume().once('end', () => process.exit(0));

function start(wanted: string): Promise<number> {
  if (wanted === 'bare') return bareEcho();
  if (wanted === 'express') return expressEcho();
  if (wanted === 'whole') return ours(0, [UNKNOWN_RULE]);
  return ours(Number(wanted.split(':')[1] ?? 0));
}

function bareEcho(): Promise<number> {
  return listen(
    createServer({ ...identity, keepAliveTimeout: 120_000 }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
        response.end(body);
      });
    }),
  );
}

function expressEcho(): Promise<number> {
  const app = express();
  app.use(express.json({ limit: '7mb' }));
  app.post('/validate', (request, response) => {
    response.json(request.body);
  });
  return listen(createServer({ ...identity, keepAliveTimeout: 120_000 }, app));
}

async function ours(migrations: number, others: readonly Rule[] = []): Promise<number> {
  const server = await startReviewServer({
    listen: { host: '127.0.0.1', port: 0 },
    certificates: { certificate: identity.cert.toString(), key: identity.key.toString() },
    world: world({ records: Array.from({ length: migrations }, (_, number) => moveOf(number)) }),
    canJudge: () => true,
    ready: () => true,
    clock: systemClock,
    log: createLog({ level: 'info' }),
    metrics: createMetrics({ version: 'bench' }),
    rules: { mutating: [...MUTATING, ...others], validating: [...VALIDATING, ...others] },
  });
  return server.port;
}

/** In the namespace of the reviews, of another set each. */
function moveOf(number: number): ReturnType<typeof migration> {
  const [name, volume] = [`set-${number}`, `d-${number}`];
  const [claim] = migration().status?.claims ?? [];
  const claims = claim === undefined ? [] : [{ ...claim, claimName: `data-${name}-2`, source: { ...claim.source, pv: volume, diskId: volume }, target: { pv: `${volume}-new`, diskId: `${volume}-new`, zone: 'b' } }];
  return migration({ metadata: { name: `${name}-2-bcdfg`, uid: `uid-${number}` }, spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name } }, status: { claims } });
}

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
