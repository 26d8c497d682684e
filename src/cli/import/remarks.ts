import type { HdfConfig } from "../../hdf/read_config.ts";
import type { HdfNode } from "../../hdf/node.ts";

/** What an import tells of lines that have no counterpart, or one that is not the same. */
export class Remarks {
  readonly all: string[] = [];

  constructor(readonly config: HdfConfig) {}

  /** Remarks on a key: `server.hdf, line 7: Server.mates: …`. */
  on(node: HdfNode, text: string): void {
    const place = this.config.placeOf(node);
    const where = place === undefined ? "" : `${place.file}, line ${place.line}: `;
    this.all.push(`${where}${node.path()}: ${text}`);
  }

  /** Remarks on something of the whole. */
  generally(text: string): void {
    this.all.push(text);
  }
}
