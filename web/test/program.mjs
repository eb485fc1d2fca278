// The program that results are compared with: INPAINT_EDGE, or the one that cargo builds.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

function built() {
  execFileSync("cargo", ["build", "-q", "--release", "-p", "inpaint-edge-cli"], { cwd: root });
  return join(root, "target/release/inpaint-edge");
}

export const program = process.env.INPAINT_EDGE ?? built();

// Runs it with the network of the page.
export function run(...args) {
  const weights = process.env.NETWORK ? ["--weights", join(root, "weights", `${process.env.NETWORK}.safetensors`)] : [];
  execFileSync(program, [...weights, ...args]);
}
