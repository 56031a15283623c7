gemma2-cli -m model.gguf -p x -f y
