"""A local stand-in for Telegram (沙盒): the Bot API over HTTP and a page on which one person plays everybody.

It is the other side of the wire, so it imports nothing of the project outside this folder and not `telegram`.
"""
