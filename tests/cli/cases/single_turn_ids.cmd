# Row 15: the system prompt is folded into the user turn with a blank line; exactly one <bos>.
gemma2-cli -m model.gguf -st -sys ' be brief ' -p 'hello' -n 0 --verbose-prompt 2>&1 | grep -o "'.*'" | tr -d "'" | tr '\n' ' '
