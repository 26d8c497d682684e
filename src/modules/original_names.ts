import { pathToFileURL } from "node:url";

/** A snapshot's folder, and the folder of the files that it was made of; both absolute and ending in a slash. */
export interface OriginalPlace {
  readonly folder: string;
  readonly root: string;
}

/** Puts the names of the original files in the place of those of a snapshot, in a text. */
export function originalNames({ folder, root }: OriginalPlace): (text: string) => string {
  const [snapshotUrl, originalUrl] = [folderUrl(folder), folderUrl(root)];
  return (text) =>
    text.includes(folder) || text.includes(snapshotUrl)
      ? text.replaceAll(snapshotUrl, originalUrl).replaceAll(folder, root)
      : text;
}

/** The URL of a folder, ending in a slash. */
export function folderUrl(folder: string): string {
  return pathToFileURL(folder).href.replace(/\/?$/, "/");
}
