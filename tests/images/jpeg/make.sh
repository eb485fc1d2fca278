#!/bin/sh
# JPEG of kinds that cameras and editors seldom write, and what libjpeg makes of each: sh make.sh PHOTO.ppm, in this folder, with
# Debian's libjpeg-turbo-progs and ImageMagick. PHOTO.ppm is small: 35×27 pixels. Those of 32×32 pixels come from a photograph of
# the project's own.
set -e
scans() { printf '%s' "$1" >scans.tmp; }
cjpeg -sample 1x1,2x1,2x1 "$1" >chroma-finer-across.jpg
cjpeg -sample 1x2,2x1,2x1 "$1" >chroma-finer-one-way.jpg
cjpeg -sample 1x1,2x2,2x2 -progressive "$1" >chroma-finer-progressive.jpg
scans '0 1; 2;'
cjpeg -sample 2x2 -restart 1B -scans scans.tmp "$1" >420-pair-restart.jpg
scans '0; 1; 2;'
cjpeg -sample 1x1 -restart 1B -scans scans.tmp "$1" >444-three-scans-restart.jpg
cjpeg -sample 2x2 -arithmetic "$1" >420-arithmetic.jpg
cjpeg -sample 2x1 -arithmetic -progressive "$1" >422-arithmetic-progressive.jpg
cjpeg -sample 2x2 -progressive -restart 2 "$1" >420-progressive-restart.jpg
cjpeg -sample 4x1 "$1" >411.jpg
cjpeg -sample 3x1 "$1" >3x1.jpg
cjpeg -rgb "$1" >rgb.jpg
cjpeg -quality 10 -sample 2x2 "$1" >tables-16-bit.jpg
rm scans.tmp
# Of the pictures in ../kinds, too.
for file in *.jpg ../kinds/baseline-*.jpg ../kinds/progressive-*.jpg ../kinds/tagged.jpg ../kinds/grey.jpg; do
  right=$(dirname "$file")/right
  mkdir -p "$right"
  djpeg -dct int -pnm "$file" | convert pnm:- -strip -define png:exclude-chunks=date,time,gAMA,cHRM -depth 8 \
    "$right/$(basename "$file" .jpg).png"
done
