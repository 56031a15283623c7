gemma2-cli -m model.gguf -n 0 --log-disable -p 'a\nb'
echo
gemma2-cli -m model.gguf -n 0 --log-disable -e -p 'a\tb\x41\q\\'
