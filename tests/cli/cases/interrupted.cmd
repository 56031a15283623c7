# The first Ctrl-C stops the answer; what exists is printed.
timeout --preserve-status -s INT 2 env --default-signal=INT \
  gemma2-cli -m hello.gguf -p hello --temp 0 --ignore-eos -c 100000 --log-disable >text
status=$?
[[ $(<text) == hello?* ]] && echo printed
exit $status
