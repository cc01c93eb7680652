"""HTML pages that need no other file: the document and its style, highlighted specs, inlined pictures."""
