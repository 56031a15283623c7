gemma2-cli quantize none.gguf out.gguf --type q6_k
