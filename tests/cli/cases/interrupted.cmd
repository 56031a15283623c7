# The first Ctrl-C stops the answer; what exists is printed. The whole answer is far larger than a
# pipe holds, so the program can not have finished when the signal comes.
mkfifo answer
env --default-signal=INT gemma2-cli -m hello.gguf -p hello --temp 0 --ignore-eos -c 100000 \
  --log-disable >answer &
pid=$!
exec 3<answer
IFS= read -r -N 6 -u 3 text
kill -INT $pid
cat <&3 >rest
wait $pid
status=$?
[[ $text == hello? ]] && echo printed
[ "$(wc -c <rest)" -lt 400000 ] || echo "went on to the end"
exit $status
