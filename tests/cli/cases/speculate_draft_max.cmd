# One token is always said before: 64 rows of a step hold 63 drafted ones.
for value in 0 -1 64 65 1e9 many; do
  gemma2-cli -m model.gguf -p x --speculate ngram --draft-max $value 2>message
  [ $? = 2 ] || echo "$value: exit status is not 2"
  [[ $(<message) == "gemma2-cli: --draft-max: expected an integer in 1 .. 63, found '$value'"* ]] || cat message
done
gemma2-cli -m model.gguf -p x -n 0 --draft 8
