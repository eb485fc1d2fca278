#!/usr/bin/env python3
"""Writes the licences of other people's crates, which go with what is handed out: LICENSE-THIRD-PARTY.txt of each package.

    python3 tools/notices/run.py            needs `cargo install cargo-about --features cli`
    python3 tools/notices/run.py --check    whether every crate of a package is named; ends with exit code 1 where not
"""

import collections
import json
import pathlib
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Crates, and where their notices are. The C library has no crate that the program has not.
PACKAGES = {"cli": "cli", "python": "python", "web/engine": "web"}


def notices(package):
    command = ["cargo", "about", "generate", "--format", "json", "--locked", "-c", HERE / "about.toml"]
    found = json.loads(subprocess.run([*command, "-m", ROOT / package / "Cargo.toml"], stdout=subprocess.PIPE, check=True).stdout)
    crates = collections.defaultdict(set)
    for licence in found["licenses"]:
        for use in licence["used_by"]:
            # This project's own have no source.
            if use["crate"]["source"]:
                crates[licence["text"].strip()].add(f"{use['crate']['name']} {use['crate']['version']}")
    texts = sorted((sorted(names), text) for text, names in crates.items())
    head = "This package has the following crates in it, each under the licence below its name."
    return "\n\n".join([head, *(f"{'=' * 80}\n{', '.join(names)}\n\n{text}" for names, text in texts)]) + "\n"


def missing(package, out):
    """Crates that are built in and not named."""
    named = out.read_text() if out.exists() else ""
    targets = tomllib.loads((HERE / "about.toml").read_text())["targets"]
    for target in (target for target in targets if target.startswith("wasm") == package.startswith("web")):
        tree = ["cargo", "tree", "--locked", "-e", "normal", "--prefix", "none", "-f", "{p}", "--target", target]
        lines = subprocess.run([*tree, "--manifest-path", ROOT / package / "Cargo.toml"], stdout=subprocess.PIPE, text=True, check=True)
        for line in lines.stdout.splitlines():
            name, version, *source = line.split()
            if not any(word.startswith("(/") for word in source) and f"{name} {version[1:]}" not in named:
                yield f"{name} {version[1:]}"


def main():
    wrong = False
    for package, folder in PACKAGES.items():
        out = ROOT / folder / "LICENSE-THIRD-PARTY.txt"
        if sys.argv[1:] == ["--check"]:
            found = sorted(set(missing(package, out)))
            if found:
                wrong = True
                print(f"{out.relative_to(ROOT)}: expected every crate, found none of {', '.join(found)}; tools/notices/run.py writes it")
        else:
            out.write_text(notices(package))
    sys.exit(wrong)


if __name__ == "__main__":
    main()
