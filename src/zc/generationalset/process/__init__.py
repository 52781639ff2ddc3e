"""Processes that do nothing else than serve an application."""
