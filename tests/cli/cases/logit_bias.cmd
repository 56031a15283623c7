# Banning the first choice changes it; 107-inf and the like are checked against the vocabulary.
first=$(gemma2-cli -m model.gguf -p hello -n 1 --temp 0 --json --logprobs 0 --log-disable | sed 's/.*"id":\([0-9]*\).*/\1/')
second=$(gemma2-cli -m model.gguf -p hello -n 1 --temp 0 --json --logprobs 0 --log-disable -l "$first-inf" | sed 's/.*"id":\([0-9]*\).*/\1/')
[ "$first" != "$second" ] && echo banned
gemma2-cli -m model.gguf -p hello -l 999999+1
