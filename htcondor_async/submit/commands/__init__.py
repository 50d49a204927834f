"""The commands of the submit language, by what they are about."""
