# The second turn finds the first in the cache; leaving and unknown commands are commands.
printf 'hello\n\n/nonsense\ntell me about the fox\n/exit\nnot read\n' |
  gemma2-cli -m model.gguf --chat -p 'be brief' -n 6 --json |
  sed 's/.*"cached_tokens":\([0-9]*\).*/\1/' | awk '{print NR ": " ($1 > 0 ? "cached" : "fresh")}'
