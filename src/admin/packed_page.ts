/** One file of the server's page, as it is sent. */
export interface PackedFile {
  /** Its media type. */
  readonly type: string;
  /** Compressed with gzip, in base64. */
  readonly gzip: string;
}

/** The page of `GET /` with all that it loads. */
export interface PackedPage {
  /** Of its files' content: the folder that they are asked for in, so that they may be kept for ever. */
  readonly version: string;
  readonly html: PackedFile;
  /** By their path below that folder. */
  readonly files: { readonly [path: string]: PackedFile };
}
