// What a line of a shell asks for: its programs with their words. As these documents write shell: quotes, pipes, `&&`, redirections, a
// variable set for one command; no substitution.

/** One program and its words, quotes gone. `$NAME` stays as it is. @throws for what is not understood */
export function invocationsIn(line: string): string[][] {
  const invocations: string[][] = [[]];
  for (const token of tokensOf(line)) {
    if (token === '|' || token === '&&' || token === ';') invocations.push([]);
    else invocations.at(-1)?.push(token);
  }
  return invocations.map(withoutRedirections).map(withoutVariables).filter((words) => words.length > 0);
}

const TOKEN = /\s*(?<operator>&&|[|;])|\s*(?<word>(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\|;&])+)/y;

function tokensOf(line: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (line.slice(TOKEN.lastIndex).trim() !== '') {
    const { lastIndex } = TOKEN;
    const groups = TOKEN.exec(line)?.groups;
    if (groups === undefined) throw new Error(`not understood from "${line.slice(lastIndex)}" on`);
    tokens.push(groups['operator'] ?? unquoted(groups['word'] ?? ''));
  }
  return tokens;
}

function unquoted(word: string): string {
  return word.replaceAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g, (_all, single?: string, double?: string, escaped?: string) => single ?? double?.replaceAll(/\\(.)/g, '$1') ?? escaped ?? '');
}

function withoutRedirections(words: string[]): string[] {
  const at = words.indexOf('>');
  return at === -1 ? words : words.toSpliced(at, 2);
}

function withoutVariables(words: string[]): string[] {
  const begins = words.findIndex((word) => !/^[A-Z][A-Z0-9_]*=/.test(word));
  return begins === -1 ? [] : words.slice(begins);
}
