"""The ClassAd language: expressions, ads, their evaluation, and their text forms."""
