gemma2-cli -p hello
