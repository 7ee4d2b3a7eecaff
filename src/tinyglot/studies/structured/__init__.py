"""Studies of structured pruning: settings and algorithms at equal shares of removed units."""
