// Whoever follows a link of a document gets somewhere, and whoever begins at the README gets everywhere.

import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documents, read, ROOT, tracked, type Document } from './markdown.ts';

const all = documents();
const byName = new Map(all.map((document) => [document.name, document]));
const files = new Set(tracked());

interface Destination {
  path: string;
  anchor: string | undefined;
}

/** Undefined: out of the repository. */
function destination(from: Document, target: string): Destination | undefined {
  if (/^[a-z]+:/.test(target)) return undefined;
  const [path = '', anchor] = target.split('#');
  return { path: path === '' ? from.name : normalize(join(dirname(from.name), path)).replace(/\/$/, ''), anchor };
}

/** A file, or a folder with files. */
function isThere(path: string): boolean {
  return files.has(path) || [...files].some((file) => file.startsWith(`${path}/`));
}

function wrongWith({ path, anchor }: Destination): string | undefined {
  if (!isThere(path)) return 'there is no such file';
  if (anchor !== undefined && byName.get(path)?.anchors.has(anchor) !== true) return 'there is no such heading';
  return undefined;
}

describe('the documents', () => {
  it('have links that lead to a file, and to a heading in it', () => {
    const wrong = all.flatMap((document) =>
      document.links.flatMap(({ target, line }) => {
        const to = destination(document, target);
        const problem = to === undefined ? undefined : wrongWith(to);
        return problem === undefined ? [] : [`${document.name}:${line}: ${target}: ${problem}`];
      }),
    );
    expect(wrong).toEqual([]);
    expect(all.flatMap(({ links }) => links).length).toBeGreaterThan(100);
  });

  it('are all reached from the README', () => {
    const reached = new Set(['README.md']);
    for (const name of reached) {
      const document = byName.get(name);
      for (const { target } of document?.links ?? []) {
        const to = destination(document!, target)?.path;
        if (to !== undefined && byName.has(to)) reached.add(to);
      }
    }
    // What stands among the sources is theirs.
    expect(all.map(({ name }) => name).filter((name) => !reached.has(name) && !name.startsWith('src/'))).toEqual([]);
  });

  it('name files that are there', () => {
    const wrong = all.flatMap(({ name }) => {
      const named = readFileSync(join(ROOT, name), 'utf8').matchAll(/(?<![\w./<-])(?:test|src|scripts|bench|charts)\/[\w./-]*\w/g);
      return [...named].map(([path]) => path).filter((path) => !isThere(path)).map((path) => `${name}: ${path}`);
    });
    expect([...new Set(wrong)]).toEqual([]);
  });

  it('lose nothing that stands between angle brackets', () => {
    expect(all.flatMap(({ name, tags }) => tags.map(({ line, tag }) => `${name}:${line}: ${tag}`))).toEqual([]);
  });

  it('say in words what their pictures show', () => {
    const mute = all.flatMap(({ name }) => [...readFileSync(join(ROOT, name), 'utf8').matchAll(/!\[\]\([^)]*\)/g)].map(([picture]) => `${name}: ${picture}`));
    expect(mute).toEqual([]);
  });
});

describe('what reads them', () => {
  it('takes links and headings for what they are, and code for code', () => {
    const { links, anchors, blocks, tags } = read('x.md', ['# A `b` (c), d', 'A <tag>, `<code>` and \\<text>.', 'See [one](a.md#b), ![two](p.svg), `[no](link)`, [`code`](c.ts).', '', '    [indented](code)', '```sh', '[fenced](code)', '```', '# A b c d'].join('\n'));
    expect(links).toEqual([{ line: 3, target: 'a.md#b' }, { line: 3, target: 'p.svg' }, { line: 3, target: 'c.ts' }]);
    expect([...anchors]).toEqual(['a-b-c-d', 'a-b-c-d-1']);
    expect(tags).toEqual([{ line: 2, tag: '<tag>' }]);
    expect(blocks).toEqual([{ line: 7, language: 'sh', mark: '', lines: ['[fenced](code)'] }]);
  });
});
