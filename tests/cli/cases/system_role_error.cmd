gemma2-cli -m model.gguf -st --system-role error -sys x -p y
