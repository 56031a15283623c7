#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# with_chromium.sh <command...>: runs the command, or says why not, 77, where there is no Chromium.
for program in chromium chromedriver; do
  command -v "$program" > /dev/null || {
    echo "SKIPPED: $program is not installed (Debian: chromium, chromium-driver)"
    exit 77
  }
done
exec "$@"
