gemma2-cli -m model.gguf -p 'hello' -n 0 --log-disable
