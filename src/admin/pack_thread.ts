/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { packPage } from "./pack_page.ts";

// From the sources the page is packed beside the main thread: the stripper alone takes it some 100 ms.
self.postMessage(await packPage());
