#!/usr/bin/env bash
# Builds and runs for another machine:
#
#   tools/cross.sh TARGET COMMAND...       such as tools/cross.sh aarch64-unknown-linux-gnu cargo test --lib
#
# Makes Rust's standard library for TARGET, a C cross compiler and the emulator available, then runs COMMAND with cargo's
# build target, linker and runner set, and CC and RUNNER for C. TARGET is one of
#
#   aarch64-unknown-linux-gnu  armv7-unknown-linux-gnueabihf  i686-unknown-linux-gnu  x86_64-unknown-linux-gnu
#
# What is missing is asked of rustup and of Debian's apt-get; where rustup cannot, the standard library is built from
# Debian's rust-src of the same version. QEMU_CPU names the CPU to emulate, such as cortex-a53. Exit code 77: cannot be had.
set -euo pipefail
usage() { sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
target=$1
shift
case $target in
  aarch64-unknown-linux-gnu) triple=aarch64-linux-gnu packages="gcc-aarch64-linux-gnu libc6-dev-arm64-cross" qemu=aarch64 ;;
  armv7-unknown-linux-gnueabihf) triple=arm-linux-gnueabihf packages="gcc-arm-linux-gnueabihf libc6-dev-armhf-cross" qemu=arm ;;
  i686-unknown-linux-gnu) triple=i686-linux-gnu packages="gcc-i686-linux-gnu libc6-dev-i386-cross" qemu=i386 ;;
  x86_64-unknown-linux-gnu) triple=x86_64-linux-gnu packages="gcc libc6-dev" qemu=x86_64 ;;
  *) usage ;;
esac
cannot() { echo "cross: $target: $*" >&2; exit 77; }

missing=()
for package in $packages qemu-user-static; do
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -q && apt-get install -yq --no-install-recommends "${missing[@]}"; } >&2 || cannot "no ${missing[*]} by apt-get"
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Unpacks the sources of the standard library where -Zbuild-std looks for them.
std_sources() {
  local version=$1 to=$2 work mirror
  [ -f "$to/library/std/src/lib.rs" ] && return
  work=$(mktemp -d "$scratch/XXXX")
  mkdir -p "$work"/{lists/partial,cache/archives/partial,whole} "$to"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie-backports main" >"$work/sources.list"
  local apt=(apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::Etc::preferencesparts=-
    -o Dir::Etc::preferences=- -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root)
  "${apt[@]}" --error-on=any update &&
    (cd "$work" && "${apt[@]}" download "rust-src=$version*") &&
    dpkg-deb --fsys-tarfile "$work"/rust-src_*.deb |
    tar x -C "$work/whole" --strip-components=4 --exclude="./usr/src/rustc-$version/library/vendor" \
      "./usr/src/rustc-$version/library" &&
    rm -rf "$to/library" "$to/part" && cp -r "$work/whole/library" "$to/part" && mv "$to/part" "$to/library"
}

# Builds the standard library for the target and puts it where rustc finds it.
build_std() {
  local sysroot=$1 version work
  version=$(rustc --version | cut -d' ' -f2)
  std_sources "$version" "$sysroot/lib/rustlib/src/rust" || return
  work=$(mktemp -d "$scratch/XXXX")
  mkdir -p "$work/src"
  printf '[package]\nname="empty"\nversion="0.0.0"\nedition="2024"\n[workspace]\n' >"$work/Cargo.toml"
  : >"$work/src/lib.rs"
  (cd "$work" && RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes cargo build -q --release --target "$target" \
    -Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test --target-dir target) || return
  # Whole or not there.
  local to=$sysroot/lib/rustlib/$target/lib
  rm -rf "$to.part" && mkdir -p "$to.part" &&
    find "$work/target/$target/release/deps" -name '*.rlib' ! -name 'libempty*' -exec cp -t "$to.part" {} + &&
    mv "$to.part" "$to"
}

sysroot=$(rustc --print sysroot)
if [ ! -d "$sysroot/lib/rustlib/$target/lib" ]; then
  timeout 120 rustup target add "$target" >&2 || build_std "$sysroot" >&2 || cannot "no standard library"
fi

upper=$(tr a-z- A-Z_ <<<"$target")
root=/usr/$triple
if [ "$qemu" = x86_64 ]; then root=/; fi
runner="qemu-$qemu-static -L $root"
# Most x86-64 systems run programs of 32 bits, sixty times as fast as the emulator.
loader="$root/lib/ld-linux.so.2 --library-path $root/lib"
if [ "$qemu" = i386 ] && [ "$($loader --version 2>/dev/null | head -c 5)" = ld.so ]; then runner=$loader; fi
export RUNNER=$runner CC=$triple-gcc
export CARGO_BUILD_TARGET=$target "CARGO_TARGET_${upper}_LINKER=$triple-gcc" "CARGO_TARGET_${upper}_RUNNER=$RUNNER"
rm -rf "$scratch"
exec "$@"
