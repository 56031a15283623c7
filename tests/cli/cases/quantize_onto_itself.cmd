cp blocks.gguf x.gguf
gemma2-cli quantize x.gguf ./x.gguf --type q6_k; status=$?; cmp x.gguf blocks.gguf; exit $status
