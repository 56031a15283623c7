gemma2-cli -m model.gguf -p x -n 0 --gpu auto
