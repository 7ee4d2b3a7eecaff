"""Studies of shapes: equal cuts of one model by different parts, measured and not trained."""
