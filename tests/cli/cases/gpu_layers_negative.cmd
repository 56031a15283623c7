gemma2-cli -m model.gguf -p x -ngl -2
