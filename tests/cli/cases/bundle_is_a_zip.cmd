# Read by another program, checksums included; the content begins at a boundary of 64 KiB.
command -v python3 >/dev/null || { echo 'no python3' >&2; exit 77; }
gemma2-cli bundle blocks.gguf -o my-gemma --log-disable
python3 - <<'EOF'
import struct, zipfile
z = zipfile.ZipFile('my-gemma')
print(z.testzip(), z.namelist(), z.read('.args'))
print(z.read('blocks.gguf') == open('blocks.gguf', 'rb').read())
info = z.getinfo('blocks.gguf')
f = open('my-gemma', 'rb')
f.seek(info.header_offset + 26)
name, extra = struct.unpack('<HH', f.read(4))
print(info.compress_type, (info.header_offset + 30 + name + extra) % 65536)
EOF
