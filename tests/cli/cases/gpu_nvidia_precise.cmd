# Asked for, and not able to do what else was asked for.
gemma2-cli -m model.gguf -p x -n 0 --gpu nvidia --precise
