gemma2-cli -m model.gguf -n
