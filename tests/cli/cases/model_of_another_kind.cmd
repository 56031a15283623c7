gemma2-cli -m llama.gguf -p x
