// Addresses to listen at, as the flags write them.

export interface ListenAddress {
  /** Absent: all of them. */
  host?: string;
  port: number;
}

/** `host:port`, `:port` or `port`; IPv6 hosts in brackets. @throws Error naming what is wrong */
export function listenAddress(text: string): ListenAddress {
  const { host = '', port = '' } = /^(?:(?<host>\[[0-9a-fA-F:.]+\]|[^:[\]]*):)?(?<port>[0-9]{1,5})$/.exec(text)?.groups ?? {};
  if (port === '' || Number(port) > 65_535) throw new Error(`"${text}" is no address to listen at: give host:port, :port or port, e.g. ":9443"`);
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === '' ? { port: Number(port) } : { host: bare, port: Number(port) };
}
