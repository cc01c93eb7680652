"""Data: from what the `data` section names to the arrays that the network takes. No torch here."""
