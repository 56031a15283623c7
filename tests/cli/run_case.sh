#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run_case.sh CLI MODELS CASE: runs the bash script CASE.cmd in an empty folder with links to the
# models, an empty environment and no input, and compares
#   CASE.stdout  standard output, byte for byte; no such file: nothing may be written
#   CASE.stderr  a bash pattern that all of standard error must match; no such file: anything
#   CASE.exit    the exit status; no such file: 0
# No graphics card is to be seen. A build with CUDA says so in a line, which is not compared unless
# CASE.stderr has one like it.
# Status 77 of the script means that the case can not run here, and is passed on.
set -uo pipefail
cli=$1 models=$2 case=$3

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin" "$dir/work"
ln -s "$cli" "$dir/bin/gemma2-cli"
for model in "$models"/*; do ln -s "$model" "$dir/work/"; done

(cd "$dir/work" &&
  exec env -i PATH="$dir/bin:/usr/local/bin:/usr/bin:/bin" HOME="$dir" LC_ALL=C CUDA_VISIBLE_DEVICES='' \
    SANITIZE="${GEMMA2_SANITIZE:-}" ASAN_OPTIONS="${ASAN_OPTIONS:-}" \
    bash "$case.cmd" >"$dir/stdout" 2>"$dir/stderr" </dev/null)
status=$?
[ "$status" = 77 ] && { cat "$dir/stderr"; exit 77; }

failed=0
expected_status=0
[ -f "$case.exit" ] && expected_status=$(<"$case.exit")
if [ "$status" != "$expected_status" ]; then
  echo "exit status: expected $expected_status, found $status"
  failed=1
fi
expected_stdout=/dev/null
[ -f "$case.stdout" ] && expected_stdout=$case.stdout
if ! cmp -s "$expected_stdout" "$dir/stdout"; then
  echo "standard output differs (- expected, + found):"
  diff -u "$expected_stdout" "$dir/stdout" | tail -n +3
  failed=1
fi
if [ -f "$case.stderr" ]; then
  pattern=$(<"$case.stderr")
  case $pattern in
    *'gpu: '*) ;;
    *) sed -i '/^gemma2-cli: gpu: none, this runs on the CPU: /d' "$dir/stderr" ;;
  esac
  # The pattern is to be read as one: no quotes.
  # shellcheck disable=SC2053
  if [[ $(<"$dir/stderr") != $pattern ]]; then
    echo "standard error: expected $pattern"
    failed=1
  fi
fi
if [ "$failed" = 1 ]; then
  echo "standard error was:"
  cat "$dir/stderr"
fi
exit "$failed"
