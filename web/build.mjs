// Builds the engine and lays the page out in dist/: node build.mjs. NETWORK is the page's network: edge, or nano.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL(".", import.meta.url));
const root = join(web, "..");
const dist = join(web, "dist");
const target = "wasm32-unknown-unknown";
const network = `${process.env.NETWORK ?? "edge"}.safetensors`;

function run(command, args) {
  execFileSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
}

// RUSTFLAGS of the caller would replace these.
const simd = `target.${target}.rustflags=["-Ctarget-feature=+simd128"]`;
run("cargo", ["build", "-q", "--profile", "web", "-p", "inpaint-edge-web", "--target", target, "--config", simd]);
const bindgen = ["run", "-q", "--profile", "cross", "-p", "inpaint-edge-web-bindgen", "--"];
run("cargo", [...bindgen, `target/${target}/web/inpaint_edge_web.wasm`, join(web, "pkg")]);

mkdirSync(join(web, "weights"), { recursive: true });
for (const name of ["edge.safetensors", "nano.safetensors", "LICENSE.md"]) cpSync(join(root, "weights", name), join(web, "weights", name));

rmSync(dist, { recursive: true, force: true });
cpSync(join(web, "page"), dist, { recursive: true });
cpSync(join(web, "pkg"), join(dist, "pkg"), { recursive: true, filter: (path) => !path.endsWith(".d.ts") });
mkdirSync(join(dist, "weights"));
for (const name of [network, "LICENSE.md"]) cpSync(join(web, "weights", name), join(dist, "weights", name));
cpSync(join(web, "LICENSE-THIRD-PARTY.txt"), join(dist, "LICENSE-THIRD-PARTY.txt"));
// In dist/ the interface lies beside the page.
const lay = (from, to, ...names) => {
  const text = readFileSync(from, "utf8");
  writeFileSync(join(dist, to), names.reduce((text, [name, other]) => text.replaceAll(name, other), text));
};
lay(join(web, "index.js"), "inpaint-edge.js", ["edge.safetensors", network]);
lay(join(dist, "worker.js"), "worker.js", ["../index.js", "./inpaint-edge.js"], ["../pkg/", "./pkg/"]);

const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((file) => file.isFile() && file.name !== "sw.js")
  .map((file) => relative(dist, join(file.parentPath, file.name)).replaceAll("\\", "/"))
  .sort();
const version = createHash("sha256");
files.forEach((file) => version.update(file).update(readFileSync(join(dist, file))));
const sw = join(dist, "sw.js");
const filled = readFileSync(sw, "utf8")
  .replace('"VERSION"', JSON.stringify(version.digest("hex").slice(0, 16)))
  .replace("FILES = []", `FILES = ${JSON.stringify(["./", ...files])}`);
writeFileSync(sw, filled);
