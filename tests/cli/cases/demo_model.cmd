gemma2-cli -p hello -n 3 --temp 0
echo
gemma2-cli -p hello -n 3 --temp 0 --log-disable
echo
gemma2-cli tokenize -p hello --log-disable
