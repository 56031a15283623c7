gemma2-cli --help | head -n 2
gemma2-cli tokenize --help | grep -c -e --pieces
gemma2-cli quantize -h | grep -c -e --pieces; true
