for model in blocks.gguf model.llamafile; do
  gemma2-cli -m $model -p hello -n 30 --temp 1 -s 3 --log-disable; echo
done | uniq | wc -l
for model in model.gguf hf hf/; do
  gemma2-cli -m $model -p hello -n 30 --temp 1 -s 3 --log-disable; echo
done | uniq | wc -l
