"""Made by tools/gen_sync.py; do not edit."""
