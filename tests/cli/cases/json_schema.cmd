# The answer is JSON of the schema, given as text, as a path or by --json-schema-file.
schema='{"type":"object","required":["a"],"properties":{"a":{"enum":["red"]}},"additionalProperties":false}'
printf '%s' "$schema" >schema.json
answer() { gemma2-cli -m model.gguf -p hello --no-display-prompt --temp 5 -s 1 --log-disable "$@" | tr -d ' \n'; echo; }
answer -j "$schema"
answer --json-schema schema.json
answer -jf schema.json
