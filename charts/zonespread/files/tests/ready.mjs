// `helm test`: whether controller and webhook say that they are ready, by the Services that Prometheus scrapes; says why not.
let failed = false;
for (const url of process.argv.slice(1)) {
  const said = await fetch(url, { signal: AbortSignal.timeout(10_000) }).then(
    async (answer) => `${answer.status}\n${await answer.text()}`,
    (error) => `no answer: ${error.cause?.message ?? error.message}`,
  );
  console.log(`${url}: ${said}`);
  failed ||= !said.startsWith('200');
}
if (failed) process.exitCode = 1;
