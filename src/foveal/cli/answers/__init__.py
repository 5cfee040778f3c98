"""What each command's `--json` holds, as types: `foveal schema` prints them as JSON Schema."""
