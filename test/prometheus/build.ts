// A real Prometheus and its promtool, built from Go modules as the control plane is (controlplane/go-build.ts), beside it in the user's
// cache folder. Built without any service discovery (the tests name their targets) and without the web pages, which Go modules do not hold.
import { fileURLToPath } from 'node:url';
import { buildOnce, type Recipe } from '../controlplane/go-build.ts';

/** Absolute paths. */
export interface PrometheusBinaries {
  readonly prometheus: string;
  readonly promtool: string;
}

const PROMETHEUS = recipeOf('prometheus');
const PROMTOOL = recipeOf('promtool');

/** Builds what is not there yet: most of what they are made of is compiled once the control plane is there. Throws as `buildOnce` does. */
export async function buildPrometheus({ signal }: { signal?: AbortSignal } = {}): Promise<PrometheusBinaries> {
  const [prometheus = '', promtool = ''] = await buildOnce([PROMETHEUS, PROMTOOL], { purpose: 'The real Prometheus', cache: 'prometheus', signal });
  return { prometheus, promtool };
}

function recipeOf(program: string): Recipe {
  return {
    folder: fileURLToPath(new URL('programs', import.meta.url)),
    binary: program,
    target: `github.com/prometheus/prometheus/cmd/${program}`,
    versionedBy: 'github.com/prometheus/prometheus',
    versionFlags: (version) => `-X github.com/prometheus/common/version.Version=${releaseOf(version)}`,
    tags: ['remove_all_sd'],
  };
}

/** Prometheus 3.10.0 is v0.310.0 as a Go module: what it tells is the release's name. */
function releaseOf(moduleVersion: string): string {
  const [, joined = '', patch = ''] = moduleVersion.split('.');
  return `${Number(joined.slice(0, -2))}.${Number(joined.slice(-2))}.${patch}`;
}
