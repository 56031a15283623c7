gemma2-cli bench -m model.gguf -p 0 -n 0
