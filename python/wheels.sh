#!/usr/bin/env bash
# Builds what is handed out, into FOLDER: wheels for glibc and musl on x86-64 and aarch64, and the source. `zig` links for every
# one of them, by the Python packages maturin and ziglang: python/wheels.sh FOLDER
set -euo pipefail
[ $# = 1 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
out=$(realpath "$1")
cd "$(dirname "$0")"
for arch in x86_64 aarch64; do
  rustup target add $arch-unknown-linux-gnu $arch-unknown-linux-musl
  maturin build --zig --compatibility manylinux2014 --target $arch-unknown-linux-gnu -o "$out"
  maturin build --zig --compatibility musllinux_1_2 --target $arch-unknown-linux-musl -o "$out"
done
maturin sdist -o "$out"
for file in "$out"/*; do
  size=$(stat -c %s "$file")
  echo "$(basename "$file"): $size bytes, 12000000 allowed"
  [ "$size" -le 12000000 ]
done
