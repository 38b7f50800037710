"""One file per kind of text. Each has write(chooser) -> (a string or a list of (role, text), combination)."""
