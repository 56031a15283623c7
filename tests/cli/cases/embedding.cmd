printf 'hello\nworld\n' | gemma2-cli -m hello.gguf --embedding --log-disable >lines
wc -l <lines
awk '{ sum = 0; for (i = 1; i <= NF; ++i) sum += $i * $i; printf "%d numbers of length %.4f\n", NF, sqrt(sum) }' lines
[ "$(head -n 1 lines)" != "$(tail -n 1 lines)" ] && echo different
gemma2-cli -m hello.gguf --embedding -p hello --json --log-disable | head -c 13
echo
