printf 'hello\n' >prompt
for input in '-f prompt' '-f -' '-f /dev/stdin' '' '--cli'; do
  gemma2-cli -m model.gguf $input -n 0 --log-disable <prompt
  echo '|'
done
