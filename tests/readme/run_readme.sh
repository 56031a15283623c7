#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: run_readme.sh example|syntax|commands README GOLDEN_DIR WORK_DIR [PROGRAM]
set -euo pipefail
mode=$1 readme=$2 golden=$3 work=$4 program=${5:-}

# blocks [MARK]: the ```sh blocks, all of them or those that follow the comment <!-- MARK -->.
blocks() {
  awk -v mark="${1:-}" '
    /^```$/ {if (copy) print ""; copy = 0}
    copy {print}
    /^```sh$/ {copy = (mark == "" || previous == "<!-- " mark " -->")}
    {previous = $0}' "$readme"
}

rm -rf "$work"
mkdir -p "$work"
cd "$work"
for name in gemma-2-2b-it-Q6_K.gguf gemma-2-2b-it.Q6_K.llamafile; do
  ln -s "$golden/q8_0/model.gguf" "$name"
done
ln -s "$golden/bf16_2b_like" gemma-2-2b-it

case $mode in
  example)
    "$program"
    ;;
  syntax)
    blocks >all.sh
    [ "$(grep -c . all.sh)" -ge 8 ] || { echo "README.md: its sh blocks were not found" >&2; exit 1; }
    bash -n all.sh
    ;;
  commands)
    PATH=$(dirname "$program"):$PATH
    blocks 'test: run' >commands.sh
    grep -q gemma2-cli commands.sh || { echo "README.md: no block is marked 'test: run'" >&2; exit 1; }
    bash -euxo pipefail commands.sh </dev/null
    ;;
esac
