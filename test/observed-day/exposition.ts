// What Prometheus would have stored of a /metrics page: OpenMetrics text whose every sample has the labels of its target and a time.

/** As a ServiceMonitor with `honorLabels` attaches them: what the page says itself wins. */
export interface Target {
  job: string;
  pod: string;
  namespace: string;
}

const SAMPLE = /^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/;

/** Samples of the page as lines; its comments go. @throws on a line that is no sample. */
export function stamped(page: string, target: Target, epochSeconds: number): string {
  const ofTarget = { job: target.job, instance: `${target.pod}:8080`, pod: target.pod };
  const attached = Object.entries(ofTarget).map(([key, value]) => `${key}="${value}"`).join(',');
  const own = `namespace="${target.namespace}"`;
  const lines: string[] = [];
  for (const line of page.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const { name = '', labels = '', value = '' } = SAMPLE.exec(line)?.groups ?? {};
    if (name === '') throw new Error(`no sample: ${line}`);
    const namespaced = labels.startsWith('namespace="') || labels.includes(',namespace="') ? labels : `${labels === '' ? '' : `${labels},`}${own}`;
    lines.push(`${name}{${namespaced},${attached}} ${value} ${epochSeconds}`);
  }
  return `${lines.join('\n')}\n`;
}
