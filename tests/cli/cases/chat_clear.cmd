# After /clear the first question gets the first answer again.
printf 'hello\nthe moon\n/clear\nhello\n' | gemma2-cli -m model.gguf --chat -n 6 --log-disable >answers
text=$(cat answers; echo .)
first=$(printf 'hello\n' | gemma2-cli -m model.gguf --chat -n 6 --log-disable; echo .)
[[ "$text" == "${first%.}"*"$first" ]] && echo same
