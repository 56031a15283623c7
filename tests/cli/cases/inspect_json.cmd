gemma2-cli inspect --json hello.gguf
