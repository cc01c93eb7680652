"""Syntax tree to graph: names are resolved, what is constant is computed, and every value gets its type."""
