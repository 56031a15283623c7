gemma2-cli -m none.gguf -p x
