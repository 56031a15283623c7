gemma2-cli -m model.gguf -c 16 -p '~~~~' --ignore-eos --temp 0 --json --log-disable | grep -o '"finish_reason":"[a-z_]*","stop_reason":"[a-z_]*"'
