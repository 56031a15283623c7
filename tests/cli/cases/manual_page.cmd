# Well-formed roff, and every option of --help is in it.
gemma2-cli --print-man >page.1
head -n 1 page.1
gemma2-cli --help | grep -o -e '^  -[^ ,]*' | tr -d ' ' | while read -r option; do
  grep -q -F -e "${option//-/\\-}" page.1 || echo "missing: $option"
done
command -v groff >/dev/null && groff -man -ww -Tutf8 page.1 2>&1 >/dev/null
true
