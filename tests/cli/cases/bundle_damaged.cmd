gemma2-cli bundle blocks.gguf -o my-gemma --log-disable
head -c -100 my-gemma >cut
chmod +x cut
./cut -p hello -n 1
