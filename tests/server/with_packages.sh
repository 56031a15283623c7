#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# with_packages.sh <folder> <requirements file> <command...>: runs the command with Python packages
# that Debian has not. They are installed into a virtual environment in <folder>, once for each
# content of the requirements file. 77, with a reason, where they can not be had.
set -eu

folder=$1
requirements=$2
shift 2

stamp=$folder/$(sha256sum "$requirements" | cut -c 1-16)
(
  flock 9  # tests that run side by side share it
  [ -e "$stamp" ] && exit 0
  rm -rf "$folder/venv"
  python3 -m venv "$folder/venv" &&
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 20 \
      --requirement "$requirements" &&
    touch "$stamp"
) 9> "$folder.lock" || {
  echo "SKIPPED: python3-venv, or the packages of $requirements from PyPI, can not be had"
  exit 77
}
PATH=$folder/venv/bin:$PATH exec "$@"
