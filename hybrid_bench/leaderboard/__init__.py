"""Leaderboards: tables and a web page, generated deterministically from submissions and published figures."""
