"""The grammar of the .net language, as data of the package."""
