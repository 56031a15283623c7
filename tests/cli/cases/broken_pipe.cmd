gemma2-cli -m model.gguf -p hello --ignore-eos -c 100000 --log-disable | head -c 3
exit ${PIPESTATUS[0]}
