gemma2-cli -m model.gguf -p hello -n 3 --log-disable >/dev/full
