// Whatever is put into the page stays text.

import { describe, expect, it } from 'vitest';
import { Html, html } from '../../src/page/html.ts';

describe('html', () => {
  it('escapes what is put in, also into attributes, and leaves its own markup alone', () => {
    const inner = html`<b>${'<i>'}</b>`;
    expect(html`<a title="${`"'&<>`}">${inner}${[inner, '&']}</a>`.text).toBe('<a title="&quot;&#39;&amp;&lt;&gt;"><b>&lt;i&gt;</b><b>&lt;i&gt;</b>&amp;</a>');
  });

  it('escapes twice what comes escaped', () => {
    expect(html`${'&lt;b&gt;'}`.text).toBe('&amp;lt;b&amp;gt;');
  });

  it('writes numbers, and nothing for what is not there', () => {
    expect(html`${0} ${undefined}.`.text).toBe('0 .');
  });

  it.each([
    ['what turns the direction of text', 'a\u202Eb\u2066c\u200Fd', 'a\uFFFDb\uFFFDc\uFFFDd'],
    ['what cannot be seen', 'a\u200Bb\u0000c\u001Bd\uFEFFe\u{E0041}f', 'a\uFFFDb\uFFFDc\uFFFDd\uFFFDe\uFFFDf'],
    ['half a character', 'a\uD800b', 'a\uFFFDb'],
  ])('shows %s as such', (_what, text, shown) => {
    expect(html`${text}`.text).toBe(shown);
  });

  it('leaves other scripts, combined letters and pictographs as they are', () => {
    expect(html`${'数据库 données ש 👩\u200D💻 \u0065\u0301 می\u200Cخواهم'}`.text).toBe('数据库 données ש 👩\u200D💻 \u0065\u0301 می\u200Cخواهم');
  });

  it('makes blanks of breaks and tabs', () => {
    expect(html`${'a\n\tb\r\nc'}`.text).toBe('a b c');
  });

  it('takes an object that looks like markup of ours for what it is', () => {
    const forged = { text: '<b>' } as unknown as Html;
    expect(() => html`${forged}`).toThrow(TypeError);
  });
});
