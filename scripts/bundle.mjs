// `npm run bundle`: makes what goes into the image, in dist/image/: the program as one file, the SDK of Alibaba Cloud beside it as the
// packages that it is loaded by, and a bill of materials. Nothing of it depends on the machine's architecture.
//
//   dist/image/app/dist/cli/main.mjs            the program; finds its version in ../../package.json, as the sources do
//   dist/image/app/package.json
//   dist/image/app/node_modules/@alicloud/…     loaded when it is needed (src/alicloud/ecs.ts), each package one file and what they share
//   dist/image/app/THIRD-PARTY-LICENSES.txt     of every package that something of is in there
//   dist/image/app/sbom.cdx.json                CycloneDX, of the same packages, by `npm sbom`
//   dist/image/modules.txt                      the source of every byte above; not in the image
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = resolve(ROOT, process.argv[2] ?? 'dist/image');
const APP = join(OUT, 'app');
const SDK = ['@alicloud/ecs20140526', '@alicloud/openapi-core', '@alicloud/credentials'];
const LICENSE_FILE = /^(licen[cs]e|copying|notice)(\.|-|$)/i;
/** Names stay: a stack trace must name what people can look up. White space and comments are what costs. */
const SMALLER = { minify: { mangle: false, compress: false, codegen: true }, comments: { legal: false, annotation: false, jsdoc: false } };

rmSync(OUT, { recursive: true, force: true });
mkdirSync(APP, { recursive: true });
const modules = [...new Set([...(await bundleProgram()), ...(await bundleSdk())])].toSorted(byName);
const { name, version, license, type } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
writeFileSync(join(APP, 'package.json'), `${JSON.stringify({ name, version, license, type }, undefined, 2)}\n`);
writeFileSync(join(APP, 'THIRD-PARTY-LICENSES.txt'), licenses());
writeFileSync(join(OUT, 'modules.txt'), `${modules.join('\n')}\n`);
writeFileSync(join(APP, 'sbom.cdx.json'), billOfMaterials());

function bundleProgram() {
  return write({ input: join(ROOT, 'src/cli/main.ts'), external: /^@alicloud\// }, { file: join(APP, 'dist/cli/main.mjs'), format: 'esm', codeSplitting: false });
}

/** CommonJS, as it is loaded. */
function bundleSdk() {
  return write(
    { input: Object.fromEntries(SDK.map((sdk) => [sdk, sdk])) },
    { dir: join(APP, 'node_modules'), format: 'cjs', entryFileNames: '[name]/index.js', chunkFileNames: '@alicloud/shared/[name]-[hash].js' },
  );
}

/** Gives the modules that it is made of, by their paths in the repository. */
async function write(input, output) {
  const built = await rolldown({ platform: 'node', cwd: ROOT, onLog: refuseWarnings, ...input });
  const written = await built.write({ ...SMALLER, ...output });
  await built.close();
  const ids = written.output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  // Those that the bundler makes itself have no file.
  return ids.filter((id) => id.startsWith('/')).map((id) => relative(ROOT, id.split('?')[0]));
}

/** What cannot be resolved would fail when it is needed: in production, at night. */
function refuseWarnings(level, log) {
  if (level === 'warn') throw new Error(log.message);
}

function byName(one, other) {
  return one < other ? -1 : 1;
}

function packageOf(module) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module)?.[0];
}

/** Of the packages that something of is in the bundle: `{ folder, name, version, license }`. */
function bundledPackages() {
  const folders = [...new Set(modules.map(packageOf).filter((folder) => folder !== undefined))].toSorted(byName);
  return folders.map((folder) => ({ folder, ...JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) }));
}

function licenses() {
  return bundledPackages().map(({ folder, name: of, version: at, license: terms }) => {
    const texts = readdirSync(join(ROOT, folder)).filter((file) => LICENSE_FILE.test(file)).map((file) => readFileSync(join(ROOT, folder, file), 'utf8').trim());
    return [`${of} ${at} (${terms ?? 'see below'})`, ...texts].join('\n\n');
  }).join(`\n\n${'-'.repeat(80)}\n\n`);
}

/** npm's, cut down to what is in the bundle. (Its own --omit dev leaves out what a dev dependency has as an optional peer, too.) */
function billOfMaterials() {
  const flags = ['--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
  const bill = JSON.parse(execFileSync('npm', ['sbom', ...flags], { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26, stdio: ['ignore', 'pipe', 'inherit'] }));
  const bundled = new Set(bundledPackages().map((one) => `${one.name}@${one.version}`));
  const components = bill.components.filter((one) => bundled.has(`${one.group === undefined ? '' : `${one.group}/`}${one.name}@${one.version}`));
  const kept = new Set([bill.metadata.component['bom-ref'], ...components.map((one) => one['bom-ref'])]);
  const dependencies = bill.dependencies.filter(({ ref }) => kept.has(ref)).map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }));
  return `${JSON.stringify({ ...bill, components, dependencies }, undefined, 2)}\n`;
}
