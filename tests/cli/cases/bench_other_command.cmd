gemma2-cli --n-depth 5 -p x || echo $?
gemma2-cli bench -m model.gguf --temp 0 || echo $?
gemma2-cli benhc || echo $?
gemma2-cli bench --help | grep -c -e --n-depth -e --temp -e -np
