echo hello >text
gemma2-cli -m text -p x
