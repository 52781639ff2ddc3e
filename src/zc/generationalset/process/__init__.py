"""Processes that do nothing but serve an application."""
