gemma2-cli quantize blocks.gguf out.gguf --type q4_k
