gemma2-cli -m model.gguf -p x -md hello.gguf
