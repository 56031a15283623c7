gemma2-cli -m model.gguf -p x --speculate magic
