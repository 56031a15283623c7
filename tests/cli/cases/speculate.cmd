# Drafts change no answer, and there are some: hello.gguf repeats its prompt.
generate() { gemma2-cli -m hello.gguf -p 'hello hello hello' -n 60 --ignore-eos --log-disable "$@"; }
for options in '--temp 0' '--temp 0.5 --seed 1' '--temp 1.5 --seed 2 --repeat-penalty 1.2' \
    '--temp 0 --local-cache ring' '--temp 0 -b 3' '--temp 0 --stop lohe'; do
  plain=$(generate $options)
  for drafts in '--speculate ngram' '--spec-type ngram-simple --draft 5' '--speculate ngram --draft-max 63'; do
    [ "$(generate $options $drafts)" = "$plain" ] || echo "$options $drafts: another answer"
  done
done
generate --temp 0 --speculate ngram --json | grep -c '"draft_n":[1-9][0-9]*,"draft_n_accepted":[1-9]'
generate --temp 0 --json | grep -c '"draft_n"'; true
