gemma2-cli -m hello.gguf --server -p hello
