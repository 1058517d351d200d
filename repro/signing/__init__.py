"""Signed statements about a run: who vouches for its manifest, and what a replay of it came to
(specs/signatures.md). Nothing in here decides whom to trust: that stands in the user's allowed signers."""
