gemma2-cli quantize hf out.gguf --type q6_k
