gemma2-cli -m short.gguf -p x
