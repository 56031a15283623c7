try() { gemma2-cli bundle "$@"; echo $?; ls out* 2>/dev/null; }
cp "$(readlink -f "$(command -v gemma2-cli)")" here
try llama.gguf -o out
try short.gguf -o out
try hf -o out
try none.gguf -o out
try blocks.gguf
try blocks.gguf -o ./blocks.gguf
try blocks.gguf -o none/out
./here bundle blocks.gguf -o here; echo $?
cmp here "$(command -v gemma2-cli)"
