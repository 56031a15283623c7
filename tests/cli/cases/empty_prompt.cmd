gemma2-cli -m model.gguf; a=$?; gemma2-cli -m model.gguf -p ''; b=$?; gemma2-cli -m model.gguf -st -p ''; c=$?; exit $((a + b + c))
