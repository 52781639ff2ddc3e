"""The persistent set: its state, its changes and its answers."""
