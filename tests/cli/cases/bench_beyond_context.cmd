gemma2-cli bench -m model.gguf -p 100 -n 0 -d 29
