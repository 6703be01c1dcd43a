FROM tiny
CMD ["echo", "$HOME", "a b", "quote\"s", "tab\t", "\u00e9"]
