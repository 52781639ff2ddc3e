"""The persistent set."""
