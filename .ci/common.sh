# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Sourced by run and full: steps with times, and the README's marked commands.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if command -v ccache >/dev/null; then
  # What one clone compiled serves the next, wherever it lies.
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
fi
CTEST_PARALLEL_LEVEL=$(nproc)
export CTEST_PARALLEL_LEVEL

summary=()
# step <name> <command...>: runs it and remembers how long it took; the first failure ends the run.
step() {
  local name=$1 start=$SECONDS
  shift
  printf '\n==== %s\n' "$name"
  "$@"
  summary+=("$(printf '%5d s  %s' $((SECONDS - start)) "$name")")
}

print_summary() {
  printf '\n==== all passed\n'
  printf '%s\n' "${summary[@]}"
  grep -A 3 '% tests passed' "$test_log"
}

# The README's test command; what ctest says at its end is repeated at ours.
test_log=$(mktemp)
trap 'rm -f "$test_log"' EXIT
readme_test() {
  readme_command 'ci: test' | tee "$test_log"
}

# readme_command <mark>: runs the sh block that follows <!-- mark --> in the README, word for word.
readme_command() {
  local command
  command=$(awk -v mark="<!-- $1 -->" '
    /^```$/ {copy = 0}
    copy {print}
    /^```sh$/ {copy = (previous == mark)}
    {previous = $0}' README.md)
  [ -n "$command" ] || { echo "README.md: no sh block is marked '$1'" >&2; return 1; }
  echo "+ $command"
  bash -euo pipefail -c "$command"
}

# lint [--checks=...] <files...>: clang-tidy with the allow-list of .clang-tidy, on what
# build/release compiles.
lint() {
  local checks=()
  if [[ $1 == --checks=* ]]; then
    checks=("$1")
    shift
  fi
  printf '%s\n' "$@" | xargs -P "$(nproc)" -n 2 clang-tidy-14 -quiet -p build/release \
    --extra-arg=-Wno-unknown-warning-option "${checks[@]}" 2> >(grep -v 'warnings generated' >&2)
}

# lint_together --checks=... <files...>: the same for ten files at a time, because most of what
# clang-tidy does is to look through the headers of the standard library. A group that it is not
# content with is linted again file by file, and that counts.
lint_together() {
  local groups=build/lint
  rm -rf "$groups"
  mkdir -p "$groups"
  lint_checks=$1,-bugprone-suspicious-include  # tree.layering knows better
  shift
  git ls-files 'src/*.h' 'include/*.h' |
    xargs awk -f .ci/lint_groups.awk -v folder="$groups" -v most=10 "$@"
  export lint_checks
  export -f lint lint_group
  printf '%s\n' "$groups"/*.cc | xargs -P "$(nproc)" -n 1 bash -euo pipefail -c 'lint_group "$1"' -
}

# lint_group <file>: lints the sources that the file includes.
lint_group() {
  local files
  if ! clang-tidy-14 -quiet "$lint_checks" "$1" -- \
    -std=c++20 -DNDEBUG -I"$PWD" -I"$PWD/src" -I"$PWD/include" >"$1.log" 2>&1; then
    mapfile -t files < <(sed 's/#include "\(.*\)"/\1/' "$1")
    lint "$lint_checks" "${files[@]}"
  fi
}
