# Nothing is left behind. The file is large enough to be interrupted only by luck, so both are right.
env --default-signal=INT gemma2-cli quantize blocks.gguf out.gguf --type q6_k --log-disable &
pid=$!
sleep 0.02
kill -INT $pid 2>/dev/null
wait $pid
status=$?
ls out.gguf.* 2>/dev/null
[ $status = 130 ] && ls out.gguf 2>/dev/null
[ $status = 0 ] || [ $status = 130 ]
