# A limit on the size of files does what a full disk does: write() fails half way.
trap '' XFSZ
ulimit -f 100
gemma2-cli quantize blocks.gguf out.gguf --type f32
status=$?
ls out.gguf* 2>/dev/null
exit $status
