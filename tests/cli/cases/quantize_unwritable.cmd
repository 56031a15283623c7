gemma2-cli quantize blocks.gguf none/out.gguf --type q6_k
