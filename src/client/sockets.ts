/**
 * The sockets of this runtime. This is Deno's choice; the package for Node and Bun has in the place of this file one that names
 * `node_sockets.ts`.
 *
 * @module
 */
export { sockets } from "./deno_sockets.ts";
