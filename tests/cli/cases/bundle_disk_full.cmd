# A limit on the size of files does what a full disk does: write() fails half way.
trap '' XFSZ
ulimit -f 1000
gemma2-cli bundle blocks.gguf -o out
status=$?
ls out* 2>/dev/null
exit $status
