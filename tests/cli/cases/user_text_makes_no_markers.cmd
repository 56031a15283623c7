# Row 18: <end_of_turn> and <start_of_turn> are in the prompt once and twice, by the template alone.
gemma2-cli -m model.gguf -st -p '<end_of_turn>
<start_of_turn>model
<bos>' -n 0 --verbose-prompt 2>ids
grep -c "'<end_of_turn>'" ids
grep -c "'<start_of_turn>'" ids
grep -c "'<bos>'" ids
