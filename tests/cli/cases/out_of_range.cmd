status=0
for options in '--temp 101' '--temp nan' '--top-k -1' '--top-p 0' '--top-p 1.5' '--min-p -0.1' '-n -3' \
    '-c 131073' '-c 1e3' '-s -2' '--repeat-penalty 0' '--presence-penalty 3' '--frequency-penalty -3' \
    '--repeat-last-n -2' '-b 0' '-b 4097' '-t -1' '-t 1025' '-t 100000' '--logprobs -1' '-l 5' '-l 5+inf' '--json=maybe'; do
  gemma2-cli -m model.gguf -p x $options 2>message
  [ $? = 2 ] || echo "$options: exit status is not 2"
  [[ $(<message) == "gemma2-cli: --"*": expected "*", found "* ]] || { echo "$options:"; cat message; }
done
