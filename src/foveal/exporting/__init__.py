"""Models as files for other runtimes, each with its preparation of pictures and a proof."""
