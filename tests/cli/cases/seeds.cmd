# Row 12: a seed gives the same text again, another one another, and a random one is reported.
generate() { gemma2-cli -m model.gguf -p hello -n 40 --temp 1 --json --log-disable "$@"; }
text() { sed 's/.*"text":"\(.*\)","finish_reason.*/\1/'; }
[ "$(generate --seed 7 | text)" = "$(generate --seed 7 | text)" ] && echo same
[ "$(generate --seed 7 | text)" != "$(generate --seed 8 | text)" ] && echo differs
random=$(generate)
seed=$(sed 's/.*"seed":\([0-9]*\).*/\1/' <<<"$random")
[ "$(text <<<"$random")" = "$(generate -s "$seed" | text)" ] && echo reproduced
[ "$(generate -s -1 | text)" != "$(generate -s -1 | text)" ] && echo random
