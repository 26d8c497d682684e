/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { App } from "./app.ts";

const page = document.getElementById("page");
if (page === null) throw new Error("the page has no element #page");
new App(page).start();
