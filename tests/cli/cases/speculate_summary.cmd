gemma2-cli -m hello.gguf -p 'hello hello hello' -n 40 --temp 0 --ignore-eos --speculate ngram >/dev/null
