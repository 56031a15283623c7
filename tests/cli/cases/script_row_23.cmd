# A prompt in, a text out, and the end; nothing else on standard output, no waiting.
out=$(gemma2-cli --cli -m model.gguf -p X -n 8 --seed 3 </dev/null; echo "status $?")
text=$(gemma2-cli -m model.gguf -p X -n 8 --seed 3 --log-disable; echo "status $?")
[ "$out" = "$text" ] && [[ $out == X*"status 0" ]] && echo same
gemma2-cli --cli -m model.gguf -p X -n 8 --no-such-flag </dev/null
