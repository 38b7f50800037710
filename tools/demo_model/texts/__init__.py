"""One file per kind of text. Each has write(writer), which says one text by weighted choices."""
