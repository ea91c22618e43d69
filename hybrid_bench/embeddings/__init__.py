"""The vectors on disk: each (encoder, role, language) is encoded once, in shards that survive a kill."""
