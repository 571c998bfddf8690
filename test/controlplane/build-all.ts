// `npm run controlplane:build`: only builds, so that CI shows how long that takes, and tests that start later find everything there: the
// control plane, and the Prometheus, the helm and the kubeconform that are tested with beside it.

import { buildHelm, buildKubeconform } from '../helm/build.ts';
import { buildPrometheus } from '../prometheus/build.ts';
import { buildControlPlane, kubernetesSource } from './build.ts';

const binaries = { ...(await buildControlPlane()), ...(await buildPrometheus()), helm: await buildHelm(), kubeconform: await buildKubeconform() };
// kubeconform's schemas are made of it: there after a build, but the binaries may have been kept by a machine that did not keep Go's modules.
await kubernetesSource('The real kubeconform');
process.stdout.write(`${Object.values(binaries).join('\n')}\n`);
