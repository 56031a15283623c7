gemma2-cli -m hello.gguf -p hello --temp 0 --ignore-eos -c 100000 --log-disable | head -c 3
exit ${PIPESTATUS[0]}
