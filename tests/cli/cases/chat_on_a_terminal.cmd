# script(1) lends a terminal: ">>> " appears, Ctrl-D leaves.
command -v script >/dev/null || { echo 'script(1) is missing' >&2; exit 77; }
printf 'hello\r\004' | TERM=dumb script -qec 'gemma2-cli -m model.gguf -n 4 --log-disable' /dev/null >seen
echo "status $?"
grep -o '>>> ' seen | wc -l
