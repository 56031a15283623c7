#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: pkg_config_consumer.sh static|shared COMPILER LIBDIR WORK_DIR MODEL
# Builds the consumer with nothing but a compiler and pkg-config, and runs it.
set -eu
kind=$1 compiler=$2 libdir=$3 work=$4 model=$5
PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH

program=$work/pkg_config_$kind
source=$(dirname "$0")/consumer/main.cc
if [ "$kind" = static ]; then
  # Only the library's own archive is forced: the C++ run-time stays shared.
  libs=$(pkg-config --static --libs gemma2 | sed 's/-lgemma2 /-l:libgemma2.a /')
else
  libs="$(pkg-config --libs gemma2) -Wl,-rpath,$libdir"
fi
# shellcheck disable=SC2046,SC2086  # lists of words are wanted
"$compiler" -std=c++20 $(pkg-config --cflags gemma2) "$source" -o "$program" $libs
"$program" "$model"
