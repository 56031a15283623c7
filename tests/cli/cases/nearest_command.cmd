gemma2-cli tokenise -m model.gguf
