const FORM = /^(?:(https?):\/\/)?(\*\.)?(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(\d{1,5}))?$/i;
/** The ports of URLs that name none, by their protocols. */
export const PORTS: { readonly [protocol: string]: string } = { "https:": "443", "http:": "80" };

/** An entry of `allow_hosts`: `hooks.example.com`, `*.example.com:8443`, `http://127.0.0.1:8080`. */
export class HostPattern {
  private constructor(
    readonly protocol: string,
    /** It stands for the hosts below `hostname`, and not for itself. */
    readonly isWild: boolean,
    readonly hostname: string,
    readonly port: string,
  ) {}

  /** Throws an Error with a sentence where it is none. */
  static parse(text: string): HostPattern {
    const [, scheme = "https", wild, hostname = "", port] = FORM.exec(text) ?? [];
    if (hostname === "") {
      throw new Error(
        `config.allow_hosts has ${JSON.stringify(text)}; it is to be a host such as "hooks.example.com", ` +
          '"*.example.com:8443" or "http://127.0.0.1:8080"',
      );
    }
    const protocol = `${scheme.toLowerCase()}:`;
    return new HostPattern(protocol, wild !== undefined, hostname.toLowerCase(), port ?? PORTS[protocol]!);
  }

  matches({ protocol, hostname, port, username, password }: URL): boolean {
    const isHost = this.isWild ? hostname.endsWith(`.${this.hostname}`) : hostname === this.hostname;
    return isHost && protocol === this.protocol && (port || PORTS[protocol]) === this.port &&
      username === "" && password === "";
  }
}
