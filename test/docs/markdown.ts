// The documents as tests read them: every committed .md with its headings, links and fenced blocks. CommonMark as these documents use it:
// fences and indented code are no text, a heading is a line that begins with #.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface Link {
  line: number;
  /** As written: `planning.md#estimates`. */
  target: string;
}

export interface Block {
  /** Of its first line. */
  line: number;
  /** What follows the fence: `sh`. */
  language: string;
  /** Of the comment on the line before it: `<!-- by hand: look -->`. */
  mark: string;
  lines: string[];
}

export interface Document {
  /** From the root: `docs/planning.md`. */
  name: string;
  links: Link[];
  /** As GitHub makes them of headings. */
  anchors: Set<string>;
  blocks: Block[];
  /** What browsers take for HTML, and do not show: `<set>` without backticks. */
  tags: { line: number; tag: string }[];
}

/** Everything that git keeps, or will keep. */
export function documents(): Document[] {
  return tracked('*.md').map((name) => read(name, readFileSync(join(ROOT, name), 'utf8')));
}

export function tracked(...patterns: string[]): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '--', ...patterns], { cwd: ROOT, encoding: 'utf8' });
  return listed.split('\n').filter((name) => name !== '' && !name.startsWith('node_modules'));
}

export function read(name: string, text: string): Document {
  const document: Document = { name, links: [], anchors: new Set(), blocks: [], tags: [] };
  let open: Block | undefined;
  let mark = '';
  for (const [at, line] of text.split('\n').entries()) {
    const fence = /^ {0,3}```(.*)$/.exec(line);
    if (fence !== null && open === undefined) open = { line: at + 2, language: (fence[1] ?? '').trim(), mark, lines: [] };
    else if (fence !== null && open !== undefined) {
      document.blocks.push(open);
      open = undefined;
    } else if (open !== undefined) open.lines.push(line);
    else {
      readText(document, line, at + 1);
      mark = /^<!-- (.*) -->$/.exec(line)?.[1] ?? '';
    }
  }
  if (open !== undefined) throw new Error(`${name}:${open.line}: the block is never closed`);
  return document;
}

const LINK = /\[(?:[^\][]|\[[^\]]*\])*\]\((?<target>[^()\s]+)\)/g;

function readText(document: Document, line: string, at: number): void {
  const heading = /^#{1,6} (?<title>.*)$/.exec(line)?.groups?.['title'];
  if (heading !== undefined) document.anchors.add(anchorOf(heading, document.anchors));
  if (line.startsWith('    ')) return;
  for (const [tag] of line.replaceAll(/`[^`]*`/g, '').matchAll(/(?<!\\)<[a-zA-Z][^>]*>/g)) document.tags.push({ line: at, tag });
  for (const { groups } of withoutCode(line).matchAll(LINK)) document.links.push({ line: at, target: groups?.['target'] ?? '' });
}

function withoutCode(line: string): string {
  // What a link says may be code: only code without a link around it goes.
  return line.replaceAll(/(?<!\[)`[^`]*`/g, '');
}

/** GitHub's: lower case, punctuation gone, blanks to hyphens; a second one of a name gets a number. */
function anchorOf(heading: string, taken: ReadonlySet<string>): string {
  const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim().toLowerCase();
  const anchor = plain.replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-');
  let unique = anchor;
  for (let number = 1; taken.has(unique); number += 1) unique = `${anchor}-${number}`;
  return unique;
}

/** The commands of a shell block, one a line, continued lines joined, comments and what is only a comment gone. */
export function commandsIn({ lines, line }: Block): { text: string; line: number }[] {
  const commands: { text: string; line: number }[] = [];
  let begun = '';
  for (const [at, row] of lines.entries()) {
    const text = begun + row.trim();
    begun = text.endsWith('\\') ? `${text.slice(0, -1).trimEnd()} ` : '';
    if (begun === '' && text !== '' && !text.startsWith('#')) commands.push({ text: text.replace(/\s+# .*$/, ''), line: line + at });
  }
  return commands;
}
