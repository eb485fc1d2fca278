#!/usr/bin/env bash
# Fetches test suites of image libraries for run.py: tools/suite/fetch.sh FOLDER. They are files in Debian's source packages,
# under licences of their own; on Debian, as root.
set -euo pipefail
folder=${1:?a folder expected}
packages="exiv2 freeimage gdk-pixbuf gegl giflib golang-golang-x-image graphicsmagick jhead leptonlib libexif libgd2
  libimage-exiftool-perl libjpeg-turbo libmetadata-extractor-java libpng1.6 libsdl2-image libwebp netpbm-free pillow tiff vips"
names="png apng jpg jpeg jpe jfif mpo webp tif tiff gif bmp dib ppm pgm pbm pnm pam qoi heic avif jxl jp2 psd ico svg"

sources=/etc/apt/sources.list.d/inpaint-edge-suites.sources
sed 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >$sources
trap 'rm -f $sources' EXIT
apt-get update -qq

mkdir -p "$folder/archives" "$folder/files"
wanted=()
for name in $names; do wanted+=("*.$name" "*.${name^^}"); done
for package in $packages; do
  # Only the original archive matters; Debian's changes may be missing.
  (cd "$folder/archives" && apt-get source --download-only -qq "$package" >/dev/null 2>&1) || true
  for archive in "$folder/archives/$package"_*.orig*.tar.*; do
    [ -e "$archive" ] || { echo "$package: cannot be fetched" >&2; exit 1; }
    case $archive in *.asc) continue ;; esac
    mkdir -p "$folder/files/$package"
    # A pattern that matches nothing is no fault.
    tar -xf "$archive" -C "$folder/files/$package" --wildcards --no-anchored "${wanted[@]}" 2>/dev/null || true
  done
  echo "$package: $(find "$folder/files/$package" -type f | wc -l) files"
done
