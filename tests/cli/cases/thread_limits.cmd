# One limit, the library's; and 0 is what the process may use: one thread where it has one CPU.
for threads in -1 1025 100000; do
  gemma2-cli -m model.gguf -p x -t $threads 2>&1
  [ $? = 2 ] || echo "-t $threads: exit status is not 2"
  GEMMA2_THREADS=$threads gemma2-cli quantize blocks.gguf out.gguf --type q8_0 2>&1
  [ $? = 2 ] || echo "quantize -t $threads: exit status is not 2"
done
ls out.gguf 2>/dev/null
cpu=$(taskset -cp $$ | grep -o '[0-9]*' | sed -n 2p)
for threads in 0 1 3 1024; do
  taskset -c "$cpu" gemma2-cli -m model.gguf -p 'tell me' -n 2 --temp 0 -t $threads 2>message >answer.$threads
  grep -o ' [0-9]* threads' message
done
for threads in 1 3 1024; do cmp answer.0 "answer.$threads"; done
