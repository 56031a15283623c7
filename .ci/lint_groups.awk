# SPDX-License-Identifier: Apache-2.0
#
# awk -f lint_groups.awk -v folder=<out> -v most=<n> <headers and sources...> writes <out>/group_<i>.cc,
# each of which includes up to n of the sources. No two of a group define the same name outside of
# functions, as far as the left margin tells; a type that a header has, too, leaves its source alone.

FNR == 1 && FILENAME ~ /\.cc$/ { sources[++count] = FILENAME }

/^[A-Za-z]/ && !/^(using|template|namespace|extern|static_assert|TEST|public|private|case)/ {
  is_type = /^(struct|class|enum) / && !/;$/
  sub(/[(={;[].*| : .*/, "")
  sub(/ +$/, "")
  if (!match($0, /[A-Za-z_0-9:~]+$/)) next
  name = substr($0, RSTART)
  if (FILENAME ~ /\.h$/) {
    if (is_type) in_a_header[name] = 1
  } else {
    names[FILENAME] = names[FILENAME] " " name
    if (is_type) types[FILENAME] = types[FILENAME] " " name
  }
}

function fits(group, source,    i, n, list) {
  if (members[group] >= most) return 0
  n = split(names[source], list, " ")
  for (i = 1; i <= n; i++) if ((group, list[i]) in taken) return 0
  return 1
}

function alone(source,    i, n, list) {
  n = split(types[source], list, " ")
  for (i = 1; i <= n; i++) if (list[i] in in_a_header) return 1
  return 0
}

END {
  for (s = 1; s <= count; s++) {
    if (alone(sources[s])) group = ++groups
    else for (group = 1; group <= groups && !fits(group, sources[s]); group++) continue
    if (group > groups) groups = group
    members[group] += alone(sources[s]) ? most : 1
    n = split(names[sources[s]], list, " ")
    for (i = 1; i <= n; i++) taken[group, list[i]] = 1
    print "#include \"" sources[s] "\"" > (folder "/group_" group ".cc")
  }
}
