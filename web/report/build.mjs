// Builds report.js, report.css and LICENSES.txt into the folder given (default: where the Python package ships them).
import { build } from "esbuild";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "../../src/detente/report/static");
const shared = { absWorkingDir: here, bundle: true, minify: true, charset: "utf8", logLevel: "warning" };

await mkdir(out, { recursive: true });
const script = await build({
  ...shared, entryPoints: ["src/main.ts"], outfile: join(out, "report.js"), format: "iife", target: "es2020",
  legalComments: "none", metafile: true,
});
await build({ ...shared, entryPoints: ["src/report.css"], outfile: join(out, "report.css"), target: "es2020" });

// The licence of every package with code in the bundle, in alphabetical order.
const inputs = Object.values(script.metafile.outputs)[0].inputs;
const packages = new Set();
for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
  const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
  if (found && bytesInOutput > 0) packages.add(found[1]);
}
const notices = ["Third-party software in report.js, with its licences.\n"];
for (const name of [...packages].sort()) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? await readFile(join(folder, file), "utf8") : `Licence: ${license}`;
  notices.push(`${"-".repeat(80)}\n${name} ${version} (${license})\n\n${text.trim()}\n`);
}
await writeFile(join(out, "LICENSES.txt"), notices.join("\n"));
