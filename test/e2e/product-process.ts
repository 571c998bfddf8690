// A process of the product as scenarios see it: `src/demo/real/product.ts` starts it, as for the demo; here it is killed and looked at.

import { get } from 'node:http';
import { startProduct, type Product, type ProductCommand } from '../../src/demo/real/product.ts';
import { logTail, obituary } from '../controlplane/program.ts';
import type { Process } from './world.ts';

export interface ProductProcess extends Process {
  readonly product: Product;
  /** The body of a page at --http; undefined unless it is answered with 200. */
  page(path: string): Promise<string | undefined>;
}

/** interface.md: 10 s from SIGTERM to the end. */
const STOP_MS = 10_000;
/** Enough for the reason, which comes last, and what led to it. */
const OBITUARY_LINES = 20;

/** Resolves when /readyz says so. @throws Error with its last lines when it ends before, or is not ready in time. */
export async function startProcess(command: ProductCommand): Promise<ProductProcess> {
  const product = await startProduct(command);
  return {
    product,
    get alive() {
      return product.ending === undefined;
    },
    get obituary() {
      return product.ending === undefined ? undefined : obituary(product, OBITUARY_LINES);
    },
    get log() {
      return logTail(product.logFile, Number.POSITIVE_INFINITY).split('\n');
    },
    kill: (signal) => product.stop({ signal }),
    async stop() {
      await product.stop({ graceMs: STOP_MS });
      return product.ending?.code ?? null;
    },
    page: (path) => pageAt(`${product.http}${path}`),
  };
}

function pageAt(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const call = get(url, { agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.once('end', () => resolve(response.statusCode === 200 ? body : undefined));
      response.once('error', () => resolve(undefined));
    });
    call.once('error', () => resolve(undefined));
  });
}
