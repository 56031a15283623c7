gemma2-cli bench -m none.gguf
