# The later option wins; what is behind "..." comes later than the command line's own.
printf -- '-n\n0\n--no-display-prompt\n-p\nhello\n--log-disable\n' >args
gemma2-cli bundle blocks.gguf -o my-gemma --args args --log-disable
./my-gemma --no-display-prompt=0 -p 'good day'
echo
printf -- '-n\n0\n--log-disable\n...\n-p\nhello\n' >args
gemma2-cli bundle blocks.gguf -o my-gemma --args args --log-disable
./my-gemma -p 'good day'
