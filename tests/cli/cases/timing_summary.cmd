gemma2-cli -m model.gguf -p hello -n 5 --temp 0 --ignore-eos >/dev/null
