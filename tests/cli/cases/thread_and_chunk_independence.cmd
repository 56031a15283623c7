for options in '-t 1 -b 1' '-t 2 -b 7' '-t 5 -b 512' '-t 2 --local-cache ring' '--swa-ring -ub 3'; do
  gemma2-cli -m model.gguf -p 'tell me a story about the fox and the moon' -n 50 --temp 1 -s 3 $options --log-disable
  echo
done | uniq | wc -l
