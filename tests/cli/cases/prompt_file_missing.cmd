gemma2-cli -m model.gguf -f none
