"""One file a command: its options, and what it does. Libraries are imported late, so that --help is quick."""
