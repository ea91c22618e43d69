"""What readers see: boards made from submissions and published figures alone, byte for byte the same each time."""
