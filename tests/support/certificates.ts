/** What a certificate of {@link Certificates} is for, and how it is to be. */
export interface CertificateWish {
  /** As `/O=Example/CN=shop`. */
  readonly subject: string;
  /** Days from now on; below 0 it has expired. */
  readonly days?: number;
  /** Signs itself instead of being signed by the authority. */
  readonly selfSigned?: boolean;
  /** Of the hosts it is for, as OpenSSL takes them: `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string;
}

/** The paths of a certificate and its key. */
export interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
}

/** An authority of its own, and what it signs, in a folder that goes with it. Made with the command openssl. */
export class TestCertificates implements AsyncDisposable {
  #count = 0;

  private constructor(readonly folder: string) {}

  /** The authority's certificate. */
  get ca(): string {
    return `${this.folder}/ca.pem`;
  }

  static async make(): Promise<TestCertificates> {
    const made = new TestCertificates(await Deno.makeTempDir({ prefix: "mevent-tls-" }));
    await made.#new("ca", { subject: "/CN=mevent tests", selfSigned: true });
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }

  /** The authority, as clients are to trust it. */
  async trusted(): Promise<string[]> {
    return [await Deno.readTextFile(this.ca)];
  }

  /** A certificate for 127.0.0.1 and localhost, where the wish has no other names. */
  server(wish: Partial<CertificateWish> = {}): Promise<CertificatePaths> {
    return this.#new(`server${++this.#count}`, { subject: `/CN=server ${this.#count}`, ...wish });
  }

  /** A caller's. */
  client(wish: CertificateWish): Promise<CertificatePaths> {
    return this.#new(`client${++this.#count}`, wish);
  }

  async #new(
    name: string,
    { subject, days = 30, selfSigned = false, names = "DNS:localhost,IP:127.0.0.1" }: CertificateWish,
  ): Promise<CertificatePaths> {
    const cert = `${this.folder}/${name}.pem`;
    const key = `${this.folder}/${name}.key`;
    const request = `${this.folder}/${name}.csr`;
    const pair = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      key,
      "-subj",
      subject,
    ];
    const extra = ["-utf8", ...name === "ca" ? [] : ["-addext", `subjectAltName=${names}`]];
    if (selfSigned) {
      await openssl("req", "-x509", ...pair, ...extra, "-days", String(days), "-out", cert);
      return { cert, key };
    }
    await openssl("req", ...pair, ...extra, "-out", request);
    const signing = [
      "-CA",
      this.ca,
      "-CAkey",
      `${this.folder}/ca.key`,
      "-CAcreateserial",
      "-copy_extensions",
      "copy",
    ];
    await openssl("x509", "-req", "-in", request, ...signing, "-days", String(days), "-out", cert);
    return { cert, key };
  }
}

/** Runs the command and returns what it says; throws with it where it fails. */
export async function openssl(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", { args, stdin: "null" }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success) throw new Error(`openssl ${args.join(" ")}: ${text}`);
  return text;
}
