// A watch's body cut into its lines, whatever the pieces in which it arrives: a line, and a character of it, may be split anywhere.

const NEWLINE = 0x0a;

/** Complete lines without their newline, empty ones left out; an unfinished line at the end of the body is dropped (it broke off). */
export async function* jsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let begun: Uint8Array[] = [];
  for await (const piece of body) {
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end !== -1; end = piece.indexOf(NEWLINE, from)) {
      const line = piece.subarray(from, end);
      from = end + 1;
      const text = begun.length === 0 ? decode(line) : decode(Buffer.concat([...begun, line]));
      begun = [];
      if (text.trim() !== '') yield text;
    }
    if (from < piece.length) begun.push(piece.subarray(from));
  }
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
