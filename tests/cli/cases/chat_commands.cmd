# A conversation in a script: blocks, commands, and /dump, which shows what the model has seen.
printf 'the fox\nhas a den\n' >notes.txt
cat >script <<'S'
one \
two
/push
"""
/three
"""
/undo
/upload notes.txt
read
/regen
/dump
/pop
/forget
/manual on
written
by hand
/manual off
/dump written.txt
/clear
/context
/system be brief
/system
S
gemma2-cli -m model.gguf --chat -c 400 -n 4 --logit-bias 300+100000 --log-disable <script >out 2>told
sed -n '/<bos>/,$p' out
echo --- /dump written.txt
cat written.txt
echo --- told
cat told
