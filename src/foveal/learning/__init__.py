"""From pictures to a fitted model: data, networks in training, heads, and what is kept."""
