"""The reference networks that ship with netc, as data of the package."""
