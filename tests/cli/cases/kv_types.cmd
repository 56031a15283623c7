for type in f32 bf16 int8 q8_0 q8; do
  gemma2-cli -m model.gguf -p x -n 0 --log-disable -ctk $type -ctv $type
done
gemma2-cli -m model.gguf -p x -ctk int8 -ctv bf16
gemma2-cli -m model.gguf -p x -ctk q4_0
