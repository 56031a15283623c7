# What it carries is taken, told, and overruled by the command line.
python3 - <<'EOF' || exit 77
import zipfile
with zipfile.ZipFile('x.llamafile', 'w') as z:
    z.write('blocks.gguf')
    z.writestr('.args', '-m\nblocks.gguf\n-n\n0\n--strange\n5\n-p\ngood day\n...\n')
EOF
gemma2-cli -m x.llamafile
echo
gemma2-cli -m x.llamafile -p hello --log-disable
