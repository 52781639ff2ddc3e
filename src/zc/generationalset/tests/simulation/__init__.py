"""A day of a server, its mirrors and thousands of clients, in minutes.

See docs/simulation.txt.
"""
