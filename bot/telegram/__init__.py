"""The Telegram adapter. The only folder that imports `telegram` (python-telegram-bot, its plain `Bot` only)."""
