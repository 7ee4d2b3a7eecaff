"""Other tools that trim vocabularies, each run in an environment of its own."""
