with=$(gemma2-cli -m model.gguf -p 'hello' -n 30 --seed 1 --temp 2 --log-disable; echo .)
without=$(gemma2-cli -m model.gguf -p 'hello' -n 30 --seed 1 --temp 2 --no-display-prompt; echo .)
[ "$with" = "hello$without" ] && [ "${#without}" -gt 5 ] && echo same
