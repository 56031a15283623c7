# A saved conversation goes on in another process with what was computed, and only with its model.
printf 'tell me about the fox\n/save talk\nand the moon?\n' |
  gemma2-cli -m model.gguf --chat -n 4 --json --log-disable | tail -1 | sed 's/"timings.*//' >first
printf 'and the moon?\n' |
  gemma2-cli -m model.gguf --chat -n 4 --json --log-disable --load-chat talk | sed 's/"timings.*//' >second
cmp first second && echo same
grep -c '"cached_tokens":[1-9]' second
gemma2-cli -m model.gguf --chat --load-chat talk -p 'be brief' </dev/null
echo "$?"
gemma2-cli -m blocks.gguf --chat --load-chat talk </dev/null
echo "$?"
gemma2-cli -m model.gguf --load-chat talk -p hello
echo "$?"
head -c 5000 talk >cut
gemma2-cli -m model.gguf --chat --load-chat cut </dev/null
echo "$?"
