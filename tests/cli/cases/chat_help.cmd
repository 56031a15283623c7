# The list comes from the table of commands; /help tells more about one.
printf '/help\n/help undo\n/? /upload\n' | gemma2-cli -m model.gguf --chat --log-disable 2>&1 >/dev/null |
  awk 'length > 100 {print "too wide: " $0} /^  \// {n += 1} END {print (n == 17 ? "all commands" : n)}'
printf '/help undo\n/? /upload\n' | gemma2-cli -m model.gguf --chat --log-disable 2>&1 >/dev/null
