# A graphics card that was asked for and is missing is an error.
gemma2-cli -m model.gguf -p x -n 0 --gpu nvidia --log-disable
