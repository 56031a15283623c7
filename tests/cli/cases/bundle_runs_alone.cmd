# From another folder, with an empty environment and nothing beside it: the plain program's answer.
gemma2-cli bundle blocks.gguf -o my-gemma --log-disable
stat -c %a my-gemma
gemma2-cli -m blocks.gguf -p hello -n 5 --temp 0 --log-disable >plain
mkdir elsewhere
mv my-gemma elsewhere
cd elsewhere
env -i ./my-gemma -p hello -n 5 --temp 0 --log-disable >bundled
cmp ../plain bundled
echo hello | env -i ./my-gemma tokenize >ids
gemma2-cli tokenize -m ../blocks.gguf -p hello | cmp - ids
ls
