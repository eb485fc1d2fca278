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
  *" --features"* | *" -F"*) ;;
  *) set -- --no-default-features --features capi,embedded-weights,parallel,texture,fs "$@" ;;
esac
case " $* " in
  *" --profile"*) ;;
  *) set -- --profile capi "$@" ;;
esac
# Link-time inlining, which the kernels do not need, makes a third of the code.
shrink=
case " $* " in
  *" --profile small "* | *" --profile=small "*) shrink="-C llvm-args=--inline-threshold=25" ;;
esac

# A static library alone: beside other kinds of crate, link-time optimisation would be left out. Cargo says where it is.
said=$(mktemp) log=$(mktemp)
trap 'rm -f "$said" "$log"' EXIT
CARGO_TERM_COLOR=never cargo rustc -p inpaint-edge --lib --crate-type staticlib --message-format json-render-diagnostics "$@" \
  -- --print native-static-libs $shrink 2>&1 >"$said" | tee "$log" >&2
library=$(sed -n 's/.*"filenames":\["\([^"]*libinpaint_edge\.a\)".*/\1/p' "$said" | tail -n 1)
libs=$(sed -n 's/.*native-static-libs: *//p' "$log" | tr ' ' '\n' | awk 'NF && !seen[$0]++' | tr '\n' ' ')
[ -f "$library" ] && [ -n "$libs" ] || { echo "install-c: cargo built no static library" >&2; exit 1; }
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
# What a program built against another version may go on with: of 0.x, the same x.
case $version in 0.*) series=${version%.*} ;; *) series=${version%%.*} ;; esac

install -d "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/lib/cmake/inpaint_edge" "$prefix/share/doc/inpaint_edge"
install -m 644 include/inpaint_edge.h "$prefix/include/"
install -m 644 "$library" "$prefix/lib/"
install -m 644 LICENSE-MIT LICENSE-APACHE weights/TRAINING_PHOTOS.tsv "$prefix/share/doc/inpaint_edge/"
cat >"$prefix/lib/pkgconfig/inpaint_edge.pc" <<END
prefix=\${pcfiledir}/../..
Name: inpaint_edge
Description: Fills holes in pictures, with the same bytes on every machine
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
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION OR
   (PACKAGE_FIND_VERSION AND NOT "\${PACKAGE_FIND_VERSION}." MATCHES "^$series[.]"))
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
END
echo "installed in $prefix: include/inpaint_edge.h, lib/libinpaint_edge.a, pkg-config and CMake files, licences" >&2
