gemma2-cli quantize blocks.gguf out.gguf; status=$?; ls out.gguf 2>/dev/null; exit $status
