#!/usr/bin/env bash
# Builds the C library and installs it with header, pkg-config and CMake files:
#
#   tools/install-c.sh PREFIX [CARGO OPTION...]
#
# As given here it has weights, threads and files. The smallest takes weights from memory and uses neither threads nor
# files:                tools/install-c.sh PREFIX --profile small --no-default-features --features capi
# For another machine:  tools/install-c.sh PREFIX --target aarch64-unknown-linux-gnu
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
prefix=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
case " $* " in
  *" --features"*) ;;
  *) set -- --no-default-features --features capi,embedded-weights,parallel,fs "$@" ;;
esac
case " $* " in
  *" --profile"*) ;;
  *) set -- --profile capi "$@" ;;
esac
target=${CARGO_BUILD_TARGET:-} profile= shrink=()
for word; do
  case ${previous:-} in
    --target) target=$word ;;
    --profile) profile=$word ;;
  esac
  previous=$word
done
# Link-time inlining, which the kernels do not need, makes a third of the code.
if [ "$profile" = small ]; then shrink=(-C llvm-args=--inline-threshold=25); fi
built=${CARGO_TARGET_DIR:-target}${target:+/$target}/$profile

# A static library alone: beside other kinds of crate, link-time optimisation would be left out.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo rustc --lib --crate-type staticlib "$@" -- --print native-static-libs "${shrink[@]}" 2>&1 | tee "$log" >&2
libs=$(sed -n 's/.*native-static-libs: *//p' "$log" | tr ' ' '\n' | awk 'NF && !seen[$0]++' | tr '\n' ' ')
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)

install -d "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/lib/cmake/inpaint_edge"
install -m 644 include/inpaint_edge.h "$prefix/include/"
install -m 644 "$built/libinpaint_edge.a" "$prefix/lib/"
cat >"$prefix/lib/pkgconfig/inpaint_edge.pc" <<END
prefix=\${pcfiledir}/../..
Name: inpaint_edge
Description: Fills holes in pictures, with the same bytes on every machine
URL: https://arxiv.org/abs/1804.07723
Version: $version
Cflags: -I\${prefix}/include
Libs: -L\${prefix}/lib -linpaint_edge $libs
END
cat >"$prefix/lib/cmake/inpaint_edge/inpaint_edge-config.cmake" <<END
get_filename_component(_inpaint_edge_prefix "\${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET inpaint_edge::inpaint_edge)
  add_library(inpaint_edge::inpaint_edge STATIC IMPORTED)
  set_target_properties(inpaint_edge::inpaint_edge PROPERTIES
    IMPORTED_LOCATION "\${_inpaint_edge_prefix}/lib/libinpaint_edge.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES C
    INTERFACE_INCLUDE_DIRECTORIES "\${_inpaint_edge_prefix}/include"
    INTERFACE_LINK_LIBRARIES "${libs% }")
endif()
END
cat >"$prefix/lib/cmake/inpaint_edge/inpaint_edge-config-version.cmake" <<END
set(PACKAGE_VERSION $version)
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
END
echo "installed in $prefix: include/inpaint_edge.h, lib/libinpaint_edge.a, pkg-config and CMake files" >&2
