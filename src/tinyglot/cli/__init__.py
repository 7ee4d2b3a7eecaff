"""The `tinyglot` command: one file a command, each parses, calls the library and prints."""
